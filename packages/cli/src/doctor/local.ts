import { Credentials, Environment } from "@effect-spotnana/core"
import type * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import * as Configuration from "../configuration.ts"
import { explain, rootOf } from "../exitCode.ts"
import type { Failure } from "../exitCode.ts"
import { outboundFor } from "../outbound.ts"
import type { Outbound } from "../outbound.ts"
import * as TokenStore from "../tokenStore.ts"
import { Fault } from "./check.ts"
import type { Found } from "./check.ts"

/** The subject of the other checks. */
export interface Subject {
  readonly configuration: Configuration.Configuration
  readonly credentials: Credentials.ClientCredentials
  readonly environment: Environment.Environment
  /** The proxy for connections to the API. */
  readonly proxy: Outbound | undefined
}

const withoutCredentials =
  "\n> No credentials yet? spotnana-auth mock --write-credentials mock.env runs a mock of Spotnana on this " +
  "machine. In another terminal: spotnana-auth doctor --credentials-file mock.env"

const faultOf = (error: Config.ConfigError | Failure): Fault => {
  const { advice = "", message } = explain(error)
  const isEmpty = message.includes("SPOTNANA_CLIENT_ID is not set") &&
    message.includes("SPOTNANA_CLIENT_SECRET is not set")
  return new Fault({ summary: message, advice: advice + (isEmpty ? withoutCredentials : "") || undefined })
}

/** Checks the variables: they are set, can be used, and cannot be read by others. */
export const checkConfiguration = (
  input: Configuration.Input
): Effect.Effect<Found<Subject>, Fault, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function*() {
    const configuration = yield* Configuration.read(input)
    const { provider, sourceOf, warnings } = configuration
    const credentials = yield* Credentials.config.parse(provider)
    const environment = yield* Environment.config.parse(provider)
    const proxy = yield* outboundFor(environment.baseUrl)
    const [id, secret] = [yield* sourceOf("SPOTNANA_CLIENT_ID"), yield* sourceOf("SPOTNANA_CLIENT_SECRET")]
    const from = id === secret ? `id and secret from ${id}` : `id from ${id}, secret from ${secret}`
    return {
      summary: `client ${credentials.clientId} at ${environment.baseUrl}, ${from}`,
      value: { configuration, credentials, environment, proxy },
      warning: warnings.length === 0 ? undefined : warnings.join(" ")
    }
  }).pipe(Effect.mapError(faultOf))

/**
 * Checks the place where a token is stored between two runs. Everything works without it, but each run makes a token
 * request.
 */
export const checkStore = (
  { configuration }: Subject
): Effect.Effect<Found<void>, Fault, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function*() {
    const { tokens } = yield* TokenStore.places
    yield* Effect.scoped(Layer.build(TokenStore.opened))
    yield* FileSystem.FileSystem.use((fs) => fs.access(tokens, { writable: true }))
    return { summary: `tokens are stored in ${tokens}, encrypted`, value: undefined }
  }).pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, configuration.provider),
    Effect.catchTags({
      PlatformError: (error) =>
        Effect.succeed(
          unkept(
            ` (${rootOf(error)})`,
            "Make the directory writable for this user only, or name another one in XDG_STATE_HOME"
          )
        ),
      TokenStoreError: (error) => Effect.succeed(unkept("", error.message)),
      ConfigError: (error) => Effect.fail(faultOf(error))
    })
  )

const unkept = (problem: string, warning: string): Found<void> => ({
  summary: `tokens are not stored: each run requests one${problem}`,
  value: undefined,
  warning
})
