// `Config.nested` gives a variable another name: an error has that one, as whoever sets it needs it.
import {
  Credentials,
  Environment,
  ScimHttpClient,
  SecretFiles,
  SigningKey,
  TokenStore,
  Webhook
} from "@effect-spotnana/core"
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Effect, FileSystem } from "effect"

const configurations: Readonly<Record<string, readonly [Config.Config<unknown>, ReadonlyArray<string>]>> = {
  "Credentials.config": [Credentials.config, ["SPOTNANA_CLIENT_ID", "SPOTNANA_CLIENT_SECRET"]],
  "Environment.config, by name": [Environment.config, ["SPOTNANA_ENVIRONMENT"]],
  "Environment.config, by address": [Environment.config, ["SPOTNANA_BASE_URL"]],
  "ScimHttpClient.token": [ScimHttpClient.token, ["SPOTNANA_SCIM_TOKEN"]],
  "SigningKey.config": [SigningKey.config, ["SPOTNANA_PARTNER_PRIVATE_KEY"]],
  "TokenStore.keys": [TokenStore.keys, ["SPOTNANA_TOKEN_STORE_KEYS"]],
  "Webhook.secrets": [Webhook.secrets, ["SPOTNANA_WEBHOOK_SECRETS"]]
}

/** What no variable may be. */
const wrong = "c4nary\n"

const failure = (config: Config.Config<unknown>, provider: ConfigProvider.ConfigProvider) =>
  Effect.map(Effect.flip(config.parse(provider)), ({ message }) => message)

const nest = (config: Config.Config<unknown>) => Config.nested(Config.nested(config, "ACME"), "EU")

describe("an error of", () => {
  for (const [name, [config, variables]] of Object.entries(configurations)) {
    it.effect(`${name} names each variable in full, at every depth, where its value is wrong`, () =>
      Effect.gen(function*() {
        const values = (prefix: string) =>
          ConfigProvider.fromEnvRecord(Object.fromEntries(variables.map((variable) => [prefix + variable, wrong])))
        const plain = yield* failure(config, values(""))
        const nested = yield* failure(nest(config), values("EU_ACME_"))
        for (const variable of variables) {
          assert.match(plain, new RegExp(`(^|[ :])${variable} (cannot be used|is|must be)`))
          assert.include(nested, `EU_ACME_${variable} (or the file EU/ACME/${variable})`)
        }
        assert.notInclude(plain + nested, "or the file SPOTNANA")
        assert.strictEqual(
          nested.replaceAll("EU_ACME_", "").replaceAll(/ \(or the file [^)]*\)/g, ""),
          plain,
          "nothing else differs"
        )
      }))
  }

  it.effect("Credentials.config names the one that is missing, and not the one without the prefix that is set", () =>
    Effect.gen(function*() {
      const provider = ConfigProvider.fromEnvRecord({ SPOTNANA_CLIENT_ID: "id", SPOTNANA_CLIENT_SECRET: "secret" })
      assert.include(
        yield* failure(Config.nested(Credentials.config, "ACME"), provider),
        "ACME_SPOTNANA_CLIENT_ID (or the file ACME/SPOTNANA_CLIENT_ID) is not set; expected the client id of a Spotnana API user"
      )
    }))

  it.effect("a directory of secrets names the file that is missing", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const rootPath = yield* fs.makeTempDirectoryScoped()
      yield* fs.makeDirectory(`${rootPath}/ACME`)
      yield* fs.writeFileString(`${rootPath}/ACME/SPOTNANA_CLIENT_ID`, "id")
      const provider = yield* ConfigProvider.fromDir({ rootPath })
      const message = yield* failure(Config.nested(Credentials.config, "ACME"), provider)
      assert.include(message, "the file ACME/SPOTNANA_CLIENT_SECRET) is not set")
      assert.notInclude(message, "SPOTNANA_CLIENT_ID")
    }).pipe(Effect.provide(NodeServices.layer)))

  it.effect("SecretFiles names the variable in full, once", () =>
    Effect.gen(function*() {
      const provider = yield* SecretFiles.withFiles(ConfigProvider.fromEnvRecord({
        ACME_SPOTNANA_CLIENT_ID: "id",
        ACME_SPOTNANA_CLIENT_SECRET: "s",
        ACME_SPOTNANA_CLIENT_SECRET_FILE: "/f"
      }))
      assert.include(
        yield* failure(Config.nested(Credentials.config, "ACME"), provider),
        "ACME_SPOTNANA_CLIENT_SECRET_FILE and ACME_SPOTNANA_CLIENT_SECRET are both set; expected one of them"
      )
    }).pipe(Effect.provide(NodeServices.layer)))

  it.effect("a provider of one's own comes through with its cause", () =>
    Effect.gen(function*() {
      const cause = new Error("the vault is closed")
      const provider = ConfigProvider.make(() =>
        Effect.fail(new ConfigProvider.SourceError({ message: "no answer", cause }))
      )
      const error = yield* Effect.flip(Config.nested(Credentials.config, "ACME").parse(provider))
      assert.include(error.message, "no answer")
      assert.strictEqual(error.cause.cause, cause)
    }))
})
