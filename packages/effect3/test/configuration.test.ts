import {
  AccessToken,
  Credentials,
  Environment,
  RefreshPolicy,
  SpotnanaHttpClient,
  TokenStore
} from "@effect-spotnana/effect3"
import { MockSpotnana } from "@effect-spotnana/effect3/testing"
import { describe, expect, it } from "@effect/vitest"
import { Config, ConfigProvider, DateTime, Duration, Effect, Either, Layer, Option, Redacted } from "effect"
import { print } from "./support/audit.ts"

const read = <A>(config: Config.Config<A>, variables: Record<string, string>) =>
  ConfigProvider.fromMap(new Map(Object.entries(variables))).load(config)

describe("the variables", () => {
  it.effect("of the credentials, of one tenant too", () =>
    Effect.gen(function*() {
      const credentials = yield* read(Config.nested(Credentials.config, "ACME"), {
        "ACME.SPOTNANA_CLIENT_ID": "id",
        "ACME.SPOTNANA_CLIENT_SECRET": "secret"
      })
      expect(Credentials.equals(credentials, { clientId: "id", clientSecret: Redacted.make("secret") })).toBe(true)
      expect(JSON.stringify(credentials.clientSecret)).toBe("\"<redacted>\"")
    }))

  it.effect("of one tenant that are missing are named with the tenant", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(read(Config.nested(Credentials.config, "ACME"), {}))
      expect(print(error)).toContain("ACME_SPOTNANA_CLIENT_ID is not set")
    }))

  it.effect.each<readonly [Config.Config<unknown>, Record<string, string>, string]>([
    [Credentials.config, { CLIENT_ID: "id", CLIENT_SECRET: "s3cr3t\n" }, "CLIENT_SECRET cannot be used"],
    [Environment.config, { ENVIRONMENT: "prod" }, "ENVIRONMENT must be exactly production or sandbox"],
    [Environment.config, { BASE_URL: "api" }, "BASE_URL cannot be used"],
    [TokenStore.keys, {}, "TOKEN_STORE_KEYS is missing"],
    [TokenStore.keys, { TOKEN_STORE_KEYS: "zz" }, "TOKEN_STORE_KEYS cannot be used"]
  ])("have their full names in an error, nested or not: %#", ([config, variables, message]) =>
    Effect.gen(function*() {
      const errorOf = (config: Config.Config<unknown>, path: string) =>
        Effect.map(
          Effect.flip(
            read(
              config,
              Object.fromEntries(Object.entries(variables).map(([name, value]) => [`${path}SPOTNANA_${name}`, value]))
            )
          ),
          (error) => print("message" in error ? error.message : error)
        )
      const nested = Config.nested(Config.nested(config, "ACME"), "EU")
      expect(yield* errorOf(config, "")).toMatch(new RegExp(`^SPOTNANA_${message}`))
      expect(yield* errorOf(nested, "EU.ACME.")).toMatch(new RegExp(`^EU_ACME_SPOTNANA_${message}`))
      expect(print(yield* errorOf(nested, "EU.ACME."))).not.toContain("s3cr3t")
    }))

  it.effect.each<readonly [Record<string, string>, ReadonlyArray<string>]>([
    [{}, ["SPOTNANA_CLIENT_ID is not set", "SPOTNANA_CLIENT_SECRET is not set"]],
    [{ SPOTNANA_CLIENT_ID: "", SPOTNANA_CLIENT_SECRET: "s3cr3t" }, ["SPOTNANA_CLIENT_ID is not set"]],
    [{ SPOTNANA_CLIENT_ID: "id", SPOTNANA_CLIENT_SECRET: "s3cr3t\n" }, ["SPOTNANA_CLIENT_SECRET cannot be used"]]
  ])(
    "that are missing or cannot be used are named, without their values",
    ([variables, messages]) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(read(Credentials.config, variables))
        for (const message of messages) expect(print(error)).toContain(message)
        expect(print(error)).not.toContain("s3cr3t")
      })
  )

  it.effect("of the environment", () =>
    Effect.gen(function*() {
      expect(yield* read(Environment.config, {})).toBe(Environment.production)
      expect(yield* read(Environment.config, { SPOTNANA_ENVIRONMENT: "sandbox" })).toBe(Environment.sandbox)
      const { baseUrl, name } = yield* read(Environment.config, { SPOTNANA_BASE_URL: "https://api.example/" })
      expect([baseUrl, name]).toEqual(["https://api.example", "api.example"])
      expect(print(yield* Effect.flip(read(Environment.config, { SPOTNANA_ENVIRONMENT: "staging" })))).toContain(
        "SPOTNANA_ENVIRONMENT must be exactly production or sandbox"
      )
      expect(print(yield* Effect.flip(read(Environment.config, { SPOTNANA_BASE_URL: "http://api.example" }))))
        .toContain(
          "SPOTNANA_BASE_URL cannot be used: http://api.example is not HTTPS"
        )
    }))

  it.effect("are read again at every acquisition", () =>
    Effect.gen(function*() {
      let secret = "old"
      const provider = ConfigProvider.make({
        flattened: ConfigProvider.fromMap(new Map()).flattened,
        load: (config) =>
          ConfigProvider.fromMap(
            new Map([["SPOTNANA_CLIENT_ID", "id"], ["SPOTNANA_CLIENT_SECRET", secret]])
          ).load(config)
      })
      const { current } = yield* Effect.provide(
        Credentials.Credentials,
        Layer.provide(Credentials.layerConfig(), Layer.setConfigProvider(provider))
      )
      secret = "new"
      expect(Redacted.value((yield* current as Effect.Effect<Credentials.ClientCredentials>).clientSecret)).toBe("new")
    }))

  it.effect("of the environment are read before those of the credentials", () =>
    Effect.gen(function*() {
      const layer = SpotnanaHttpClient.layerConfig().pipe(
        Layer.provide(MockSpotnana.layerHttpClient),
        Layer.provide(MockSpotnana.layer()),
        Layer.provide(Layer.setConfigProvider(ConfigProvider.fromMap(new Map([["SPOTNANA_ENVIRONMENT", "prod"]]))))
      )
      expect(print(yield* Effect.flip(Effect.scoped(Layer.build(layer))))).toContain("SPOTNANA_ENVIRONMENT must be")
    }))

  it.effect("lead to a client", () =>
    Effect.gen(function*() {
      const client = yield* SpotnanaHttpClient.SpotnanaHttpClient
      expect((yield* client.get("/v2/companies")).status).toBe(200)
    }).pipe(Effect.provide(
      SpotnanaHttpClient.layerConfig().pipe(
        Layer.provide(MockSpotnana.layerHttpClient),
        Layer.provide(MockSpotnana.layer({ clientId: "id", clientSecret: "secret" })),
        Layer.provide(Layer.setConfigProvider(ConfigProvider.fromMap(
          new Map([["SPOTNANA_CLIENT_ID", "id"], ["SPOTNANA_CLIENT_SECRET", "secret"]])
        )))
      )
    )))
})

describe("an environment", () => {
  it.each<readonly [Environment.Options, string]>([
    [{ baseUrl: "api.example" }, "baseUrl cannot be used: it is not an absolute URL"],
    [{ baseUrl: "http://api.example" }, "baseUrl cannot be used: http://api.example is not HTTPS"],
    [{ baseUrl: "https://id:secret@api.example" }, "baseUrl cannot be used: it has a user name or password in it"],
    [{ baseUrl: "https://api.example?x=1" }, "baseUrl cannot be used: it has a query"],
    [{ baseUrl: "https://api.example/v2" }, "baseUrl cannot be used: it ends in /v2"],
    [{ baseUrl: "https://api.example/get-auth-token" }, "baseUrl cannot be used: /get-auth-token is deprecated"],
    [{ baseUrl: "https://api.example/v2/auth/oauth2-token" }, "baseUrl cannot be used: it is the token endpoint"],
    [
      { baseUrl: "https://api.example", tokenUrl: "https://login.example/#x" },
      "tokenUrl cannot be used: it has a fragment"
    ],
    [
      { baseUrl: "https://api.example", origins: ["https://b.example/x"] },
      "origins cannot be used: number 1: it has a path"
    ],
    [{ baseUrl: "https://api.example", defaultLifetime: 0 }, "defaultLifetime cannot be used: expected a duration"]
  ])("that cannot be used is refused, with what was expected: %j", (options, message) => {
    const made = Environment.make(options)
    expect(Either.isLeft(made) && made.left.message).toContain(message)
    expect(() => Environment.makeUnsafe(options)).toThrow(message)
  })

  it("has the token endpoint and the origins that it was given", () => {
    const { defaultLifetime, origins, tokenUrl } = Environment.makeUnsafe({
      baseUrl: "https://api.example/v1/",
      tokenUrl: "/login",
      origins: ["https://reports.example", "https://api.example"]
    })
    expect([tokenUrl, origins, Duration.toMillis(defaultLifetime)]).toEqual([
      "https://api.example/v1/login",
      ["https://api.example", "https://reports.example"],
      3_600_000
    ])
  })

  it("takes a 401 for a rejection, unless it says that it is about something else", () => {
    const { rejectsToken } = Environment.production
    const says = (challenge?: string) =>
      rejectsToken({ status: 401, headers: { ...(challenge && { "www-authenticate": challenge }) } as never })
    expect([says(), says("Bearer error=\"invalid_token\""), says("Bearer error=\"insufficient_scope\"")]).toEqual(
      [true, true, false]
    )
  })
})

describe("a token response", () => {
  const decode = (response: Record<string, unknown>) =>
    AccessToken.decode(response, { issuedAt: DateTime.unsafeMake(0), defaultLifetime: Duration.hours(1) })

  it("becomes a token that is redacted, with its lifetime", () => {
    const token = Either.getOrThrow(decode({ access_token: "t0k3n", token_type: "bearer", expires_in: "60" }))
    expect(Redacted.value(token.value)).toBe("t0k3n")
    expect(Duration.toSeconds(AccessToken.lifetime(token))).toBe(60)
    expect(JSON.stringify(token)).not.toContain("t0k3n")
  })

  it("that holds none says what is wrong, without what it holds", () => {
    const problem = Option.getOrThrow(Either.getLeft(decode({ access_token: "t0 k3n" })))
    expect(problem).not.toContain("k3n")
  })
})

it("a policy is completed with the defaults", () => {
  expect(RefreshPolicy.make()).toBe(RefreshPolicy.defaults)
  expect(RefreshPolicy.make({ leeway: "1 second" })).toEqual({ ...RefreshPolicy.defaults, leeway: Duration.seconds(1) })
})
