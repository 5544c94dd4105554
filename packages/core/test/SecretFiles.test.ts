import { Credentials, SecretFiles, SpotnanaHttpClient } from "@effect-spotnana/core"
import { MockSpotnana } from "@effect-spotnana/testing"
import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Context, Effect, FileSystem, Layer, LayerMap, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { clientId, clientSecret } from "./support/harness.ts"

/** A file with this content, that is gone after the test. */
const file = (content: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const name = yield* fs.makeTempFileScoped()
    yield* fs.writeFileString(name, content)
    return name
  })

const reading = <A>(env: Record<string, string>, config: Config.Config<A>) =>
  Effect.flatMap(ConfigProvider.ConfigProvider, (provider) => config.parse(provider)).pipe(
    Effect.provide(
      SecretFiles.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(env))))
    )
  )

describe("SecretFiles", () => {
  it.effect("reads a variable from the file that its _FILE names, without the line break at the end", () =>
    Effect.gen(function*() {
      for (const end of ["", "\n", "\r\n"]) {
        const env = { SPOTNANA_CLIENT_ID: "id", SPOTNANA_CLIENT_SECRET_FILE: yield* file(`s3cr3t${end}`) }
        const credentials = yield* reading(env, Credentials.config)
        assert.deepStrictEqual([credentials.clientId, Redacted.value(credentials.clientSecret)], ["id", "s3cr3t"])
      }
      // One line break is the editor's, two are a mistake to be told of.
      const env = { SPOTNANA_CLIENT_ID: "id", SPOTNANA_CLIENT_SECRET_FILE: yield* file("s3cr3t\n\n") }
      const error = yield* Effect.flip(reading(env, Credentials.config))
      assert.include(error.message, "SPOTNANA_CLIENT_SECRET cannot be used")
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.effect("has every variable of Spotnana's, those of a tenant too, and leaves all others alone", () =>
    Effect.gen(function*() {
      const id = yield* file("acme")
      const secret = yield* file("s3cr3t")
      const env = {
        ACME_SPOTNANA_CLIENT_ID_FILE: id,
        ACME_SPOTNANA_CLIENT_SECRET_FILE: secret,
        PASSWORD_FILE: secret,
        SPOTNANA_SCIM_TOKEN_FILE: ""
      }
      const { clientId } = yield* reading(env, Config.nested(Credentials.config, "ACME"))
      assert.strictEqual(clientId, "acme")
      const none = Config.withDefault(undefined)
      assert.isUndefined(yield* reading(env, none(Config.String("PASSWORD"))))
      assert.isUndefined(yield* reading(env, none(Config.String("SPOTNANA_SCIM_TOKEN"))))
      assert.strictEqual(yield* reading({ SPOTNANA_X: "x" }, Config.String("SPOTNANA_X")), "x")
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.effect("names the variable in its errors, and neither a value nor a file", () =>
    Effect.gen(function*() {
      const secret = yield* file("c4n4ry")
      const id = { SPOTNANA_CLIENT_ID: "id" }
      const mistakes: ReadonlyArray<readonly [Record<string, string>, string]> = [
        [
          { SPOTNANA_CLIENT_SECRET_FILE: yield* file("\r\n") },
          "SPOTNANA_CLIENT_SECRET_FILE names a file that is empty"
        ],
        [
          { SPOTNANA_CLIENT_SECRET_FILE: secret, SPOTNANA_CLIENT_SECRET: "c4n4ry" },
          "SPOTNANA_CLIENT_SECRET_FILE and SPOTNANA_CLIENT_SECRET are both set; expected one of them"
        ],
        // The secret itself, where the name of a file belongs.
        [
          { SPOTNANA_CLIENT_SECRET_FILE: "c4n4ry" },
          "SPOTNANA_CLIENT_SECRET_FILE names a file that cannot be read (NotFound)"
        ],
        [
          { SPOTNANA_CLIENT_SECRET_FILE: yield* FileSystem.FileSystem.use((fs) => fs.makeTempDirectoryScoped()) },
          "SPOTNANA_CLIENT_SECRET_FILE names a directory; expected a file"
        ],
        [
          { SPOTNANA_CLIENT_SECRET_FILE: yield* file("c4n4ry".repeat(11_000)) },
          "SPOTNANA_CLIENT_SECRET_FILE names a file of more than 64 KiB; it must contain the value alone"
        ],
        ...(yield* Effect.forEach(
          [
            "SPOTNANA_CLIENT_SECRET=c4n4ry",
            "export SPOTNANA_CLIENT_SECRET='c4n4ry'\n",
            "\nACME_SPOTNANA_CLIENT_ID = c4n4ry"
          ],
          (content) =>
            Effect.map(file(content), (name) =>
              [
                { SPOTNANA_CLIENT_SECRET_FILE: name },
                "SPOTNANA_CLIENT_SECRET_FILE names a file that begins with a name, as in SPOTNANA_CLIENT_SECRET=; it must contain the value alone"
              ] as const)
        ))
      ]
      for (const [mistake, expected] of mistakes) {
        const error = yield* Effect.flip(reading({ ...id, ...mistake }, Credentials.config))
        assert.include(error.message, expected)
        assert.notInclude(`${String(error)}${JSON.stringify(error)}`, "c4n4ry")
      }
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.effect("invariant 13: a secret that is replaced in its file is used at the next acquisition", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const name = yield* file(`${Redacted.value(clientSecret)}\n`)
      const env = ConfigProvider.fromEnvRecord({ SPOTNANA_CLIENT_ID: clientId, SPOTNANA_CLIENT_SECRET_FILE: name })
      yield* Effect.gen(function*() {
        const mock = yield* MockSpotnana.MockSpotnana
        const client = yield* SpotnanaHttpClient.SpotnanaHttpClient
        assert.strictEqual((yield* client.get("/v2/companies")).status, 200)
        const rotated = yield* mock.rotateSecret()
        yield* fs.writeFileString(name, `${Redacted.value(rotated.clientSecret)}\n`)
        yield* TestClock.adjust("1 minute")
        assert.strictEqual((yield* client.get("/v2/companies")).status, 200)
      }).pipe(
        Effect.provide(
          SpotnanaHttpClient.layerConfig().pipe(
            Layer.provide(SecretFiles.layer),
            Layer.provide(ConfigProvider.layer(env)),
            Layer.provideMerge(MockSpotnana.layerHttpClient),
            Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret }))
          )
        )
      )
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.effect("each tenant of a LayerMap has its own variables, also while another one is in use", () =>
    Effect.gen(function*() {
      const tenants = yield* LayerMap.make((tenant: string) =>
        Credentials.layerConfig().pipe(
          Layer.provide(SecretFiles.layer),
          Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({
            SPOTNANA_CLIENT_ID: tenant,
            SPOTNANA_CLIENT_SECRET: `s3cr3t of ${tenant}`
          })))
        )
      )
      for (const tenant of ["acme", "globex"]) {
        const { current } = Context.get(yield* Layer.build(tenants.get(tenant)), Credentials.Credentials)
        assert.strictEqual(((yield* current) as Credentials.ClientCredentials).clientId, tenant)
      }
    }).pipe(Effect.provide(NodeFileSystem.layer)))
})
