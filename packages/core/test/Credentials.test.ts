import { Credentials } from "@effect-spotnana/core"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Config, ConfigProvider, Context, Effect, Exit, Formatter, Layer, Redacted } from "effect"
import { inspect } from "node:util"

const canary = "c4nary-S3cret"

const credentials = (clientId: string, clientSecret: string): Credentials.ClientCredentials => ({
  clientId,
  clientSecret: Redacted.make(clientSecret)
})

const env = (clientId?: string, clientSecret?: string): Record<string, string> => ({
  ...(clientId === undefined ? undefined : { SPOTNANA_CLIENT_ID: clientId }),
  ...(clientSecret === undefined ? undefined : { SPOTNANA_CLIENT_SECRET: clientSecret })
})

const assertHidden = (error: unknown) => {
  const renderings = [
    String(error),
    JSON.stringify(error),
    inspect(error, { depth: Infinity, showHidden: true, getters: true }),
    Formatter.format(error),
    Cause.pretty(Cause.fail(error)),
    Cause.pretty(Cause.die(error)),
    inspect(Exit.fail(error), { depth: Infinity, showHidden: true }),
    error instanceof Error ? error.stack : ""
  ]
  for (const rendering of renderings) assert.notInclude(rendering, "c4nary")
}

describe("Credentials.equals", () => {
  it.each<[string, Credentials.ClientCredentials, boolean]>([
    ["the same values", credentials("id", "secret"), true],
    ["another secret", credentials("id", "Secret"), false],
    ["another id", credentials("ID", "secret"), false],
    ["the two exchanged", credentials("secret", "id"), false],
    ["another label", { clientId: "id", clientSecret: Redacted.make("secret", { label: "vault" }) }, true]
  ])("compares both: %s", (_, that, expected) => {
    const self = credentials("id", "secret")
    assert.strictEqual(Credentials.equals(self, that), expected)
    assert.strictEqual(Credentials.equals(that, self), expected)
  })
})

describe("Credentials.problem", () => {
  it.each([
    ["client", "secret"],
    ["a b", "s3cr:t %+&="],
    ["!", "~"],
    ["\"", "'half"],
    ["it's", "'a' and \"b\""]
  ])("finds none in %j and %j", (clientId, clientSecret) => {
    assert.isUndefined(Credentials.problem(credentials(clientId, clientSecret)))
  })

  it.each([
    ["empty", "", "is empty"],
    ["a line break at the end", `${canary}\n`, "begins or ends with a space, line break or quote"],
    ["a Windows line break at the end", `${canary}\r\n`, "begins or ends with a space, line break or quote"],
    ["a space at the start", ` ${canary}`, "begins or ends with a space, line break or quote"],
    ["nothing but white space", " \t", "begins or ends with a space, line break or quote"],
    ["a byte order mark", `\uFEFF${canary}`, "begins or ends with a space, line break or quote"],
    ["a line break inside", `${canary}\n${canary}`, "has a character outside printable ASCII"],
    ["a NUL", `${canary}\0x`, "has a character outside printable ASCII"],
    ["Latin-1", `${canary}é`, "has a character outside printable ASCII"],
    ["double quotes", `"${canary}"`, "begins or ends with a space, line break or quote"],
    ["single quotes", `'${canary}'`, "begins or ends with a space, line break or quote"],
    ["an emoji", `${canary}🔑`, "has a character outside printable ASCII"]
  ])("invariant 9: names what is wrong and shows no value: %s", (_, value, expected) => {
    assert.strictEqual(Credentials.problem(credentials(value, "secret")), `the client id ${expected}`)
    assert.strictEqual(Credentials.problem(credentials("client", value)), `the client secret ${expected}`)
  })
})

describe("Credentials.config", () => {
  it.effect("reads both variables", () =>
    Effect.gen(function*() {
      const provider = ConfigProvider.fromEnv({ env: env("client", "s3cr:t %+&=") })
      const read = yield* Credentials.config.parse(provider)
      assert.strictEqual(read.clientId, "client")
      assert.strictEqual(Redacted.value(read.clientSecret), "s3cr:t %+&=")
      assert.notInclude(inspect(read, { depth: Infinity, showHidden: true }), "s3cr")
    }))

  const id = "SPOTNANA_CLIENT_ID"
  const secret = "SPOTNANA_CLIENT_SECRET"
  it.effect.each<[string, Record<string, string>, string]>([
    ["both absent", env(), `${id} is not set; expected the client id of a Spotnana API user`],
    ["no id", env(undefined, canary), `${id} is not set; expected the client id of a Spotnana API user`],
    ["an empty id", env("", canary), `${id} is not set; expected the client id of a Spotnana API user`],
    ["no secret", env("client"), `${secret} is not set; expected the client secret of a Spotnana API user`],
    ["an empty secret", env("client", ""), `${secret} is not set; expected the client secret of a Spotnana API user`],
    [
      "an id with a line break at the end",
      env(`${canary}\n`, canary),
      `${id} cannot be used: the client id begins or ends with a space, line break or quote`
    ],
    [
      "a secret with a line break at the end",
      env("client", `${canary}\n`),
      `${secret} cannot be used: the client secret begins or ends with a space, line break or quote`
    ],
    [
      "a secret with a space at the start",
      env("client", ` ${canary}`),
      `${secret} cannot be used: the client secret begins or ends with a space, line break or quote`
    ],
    [
      "a secret outside ASCII",
      env("client", `${canary}é`),
      `${secret} cannot be used: the client secret has a character outside printable ASCII`
    ]
  ])(
    "invariant 9: the error names the variable and what was expected, no value: %s",
    ([, env, expected]) =>
      Effect.gen(function*() {
        for (
          const provider of [
            ConfigProvider.fromEnv({ env }),
            ConfigProvider.fromEnv({ env, preserveEmptyStrings: true }),
            ConfigProvider.fromUnknown(env)
          ]
        ) {
          const error = yield* Effect.flip(Credentials.config.parse(provider))
          assert.instanceOf(error, Config.ConfigError)
          assert.include(error.message, expected)
          assertHidden(error)
        }
      })
  )

  it.effect.each<[string, unknown]>([
    ["an object", { value: canary }],
    ["an array", [canary]],
    ["a nested line break", { SPOTNANA_CLIENT_SECRET: `${canary}\n` }]
  ])("invariant 9: a secret of another shape is refused and not shown: %s", ([, value]) =>
    Effect.gen(function*() {
      const provider = ConfigProvider.fromUnknown({ SPOTNANA_CLIENT_ID: "client", SPOTNANA_CLIENT_SECRET: value })
      const error = yield* Effect.flip(Credentials.config.parse(provider))
      assert.include(error.message, "SPOTNANA_CLIENT_SECRET")
      assertHidden(error)
    }))
})

describe("Credentials.layer", () => {
  it.effect("gives the same credentials each time", () =>
    Effect.gen(function*() {
      const given = credentials("client", canary)
      const source = yield* Credentials.Credentials.pipe(Effect.provide(Credentials.layer(given)))
      assert.strictEqual(yield* source.current, given)
      assert.strictEqual(yield* source.current, given)
    }))
})

describe("Credentials.layerConfig", () => {
  const build = (
    layer: Layer.Layer<Credentials.Credentials, Config.ConfigError>,
    provider: ConfigProvider.ConfigProvider
  ) =>
    Layer.build(layer).pipe(
      Effect.map((context) => Context.get(context, Credentials.Credentials)),
      Effect.provideService(ConfigProvider.ConfigProvider, provider)
    )

  const assertCurrent = (source: Credentials.Credentials["Service"], clientId: string, clientSecret: string) =>
    Effect.map(source.current, (current) => {
      assert.strictEqual(current.clientId, clientId)
      assert.strictEqual(Redacted.value(current.clientSecret), clientSecret)
    })

  // Its record stays live, and it looks when it is asked, not when the effect that it gives is run.
  const live = (variables: Record<string, string>) => ConfigProvider.fromEnvRecord(variables)
  // As a directory of mounted secrets does, this one looks when the effect is run.
  const late = (variables: Record<string, string>) =>
    ConfigProvider.make((path) =>
      Effect.sync(() => {
        const value = variables[path.join("_")]
        return value === undefined ? undefined : ConfigProvider.makeValue(value)
      })
    )

  it.effect.each([["an environment", live], ["a directory", late]] as const)(
    "invariant 13: reads the variables again at each `current`: %s",
    ([, live]) =>
      Effect.gen(function*() {
        const variables = env("client", "one")
        const source = yield* build(Credentials.layerConfig(), live(variables))
        yield* assertCurrent(source, "client", "one")

        variables["SPOTNANA_CLIENT_SECRET"] = "two"
        yield* assertCurrent(source, "client", "two")

        variables["SPOTNANA_CLIENT_ID"] = "other"
        yield* assertCurrent(source, "other", "two")
      })
  )

  it.effect("invariant 13: a mistake made later fails that `current` only, and shows no value", () =>
    Effect.gen(function*() {
      const variables = env("client", "one")
      const source = yield* build(Credentials.layerConfig(), live(variables))

      variables["SPOTNANA_CLIENT_SECRET"] = `${canary}\n`
      const error = yield* Effect.flip(source.current)
      assert.include(String(error), "SPOTNANA_CLIENT_SECRET cannot be used")
      assertHidden(error)

      variables["SPOTNANA_CLIENT_SECRET"] = "two"
      yield* assertCurrent(source, "client", "two")
    }))

  it.effect("a mistake shows when the layer is built", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(build(Credentials.layerConfig(), live(env("client", `${canary}\n`))))
      assert.include(error.message, "SPOTNANA_CLIENT_SECRET cannot be used")
      assertHidden(error)
    }))

  it.effect("reads other variables where it is told so, and these again as well", () =>
    Effect.gen(function*() {
      const variables = { ID: "client", SECRET: "one" }
      const config = Config.all({ clientId: Config.String("ID"), clientSecret: Config.Redacted("SECRET") })
      const source = yield* build(Credentials.layerConfig(config), live(variables))
      yield* assertCurrent(source, "client", "one")

      variables.SECRET = "two"
      yield* assertCurrent(source, "client", "two")
    }))
})
