import {
  AccessToken,
  AuthError,
  Credentials,
  Environment,
  SpotnanaHttpClient,
  TokenEndpoint,
  TokenProvider,
  TokenStore
} from "@effect-spotnana/core"
import type { RefreshPolicy } from "@effect-spotnana/core"
import * as Policy from "@effect-spotnana/engine/Policy"
import type * as Config from "effect/Config"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type { HttpClient } from "effect/http"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Path from "effect/Path"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Client from "./client.ts"
import * as Configuration from "./configuration.ts"
import type { Failure } from "./exitCode.ts"
import { Output } from "./output.ts"
import * as Store from "./tokenStore.ts"

/** The flags of every command that needs a token. */
export const flags = { ...Configuration.flags, ...Store.flags }

export interface Input extends Configuration.Input, Store.Input {}

type Session =
  | SpotnanaHttpClient.SpotnanaHttpClient
  | TokenProvider.TokenProvider
  | TokenEndpoint.TokenEndpoint
  | Credentials.Credentials
  | HttpClient.HttpClient

type Services = FileSystem.FileSystem | Path.Path | Output

/** The parts of a provider: the token endpoint, the credentials, the client, and the token store. */
const Parts = (input: Input) =>
  Layer.unwrap(
    Effect.map(
      Environment.config,
      (environment) => Layer.provideMerge(TokenEndpoint.layer({ environment }), Client.layer(environment.baseUrl))
    )
  ).pipe(
    Layer.merge(Credentials.layerConfig()),
    Layer.merge(Store.layer(input)),
    Layer.provide(Configuration.layer(input))
  )

const sessionOf = <E>(
  input: Input,
  provider: Layer.Layer<TokenProvider.TokenProvider, E, TokenEndpoint.TokenEndpoint | Credentials.Credentials | Output>
): Layer.Layer<Session, E | Failure | Config.ConfigError, Services> =>
  SpotnanaHttpClient.layerProvider.pipe(Layer.provideMerge(provider), Layer.provideMerge(Parts(input)))

/** For a command that runs for long: the token is renewed in the background. */
export const layer = (input: Input): Layer.Layer<Session, Failure | Config.ConfigError, Services> =>
  sessionOf(input, TokenProvider.layer())

/** How much longer a token is valid. */
export const timeLeft = (token: AccessToken.AccessToken): Effect.Effect<Duration.Duration> =>
  Effect.map(
    DateTime.now,
    (now) => Duration.millis(Math.max(0, DateTime.toEpochMillis(token.expiresAt) - DateTime.toEpochMillis(now)))
  )

// A short command does not renew the token in the background: at each run, its end would interrupt the request.
export const asItIs: RefreshPolicy.Options = { mode: "onDemand", renewAt: 0.99, jitter: 0, minimumMargin: 0 }

/**
 * How many milliseconds of a token's lifetime must be left. A new token is always enough, because another one would not
 * last longer.
 */
const required = (lifetime: number, minimum: Duration.Duration): number =>
  Math.min(Duration.toMillis(minimum), 0.98 * lifetime)

const livesFor = (token: AccessToken.AccessToken, minimum: Duration.Duration, now: DateTime.Utc): boolean =>
  DateTime.toEpochMillis(token.expiresAt) - DateTime.toEpochMillis(now) >=
    required(Duration.toMillis(AccessToken.lifetime(token)), minimum)

/** Puts a token with at least this lifetime into the store, unless another process does so first. */
const renew = (
  minimum: Duration.Duration
): Effect.Effect<void, never, TokenEndpoint.TokenEndpoint | Credentials.Credentials | Output> =>
  Effect.gen(function*() {
    const store = yield* Effect.serviceOption(TokenStore.TokenStore)
    // Without a store, every token is new.
    if (Option.isNone(store)) return
    const { backend, share } = store.value
    const endpoint = yield* TokenEndpoint.TokenEndpoint
    const { acquire } = yield* share(backend, endpoint)
    const credentials = yield* Effect.orDie(Credentials.Credentials.use(({ current }) => current))
    const result = yield* acquire(credentials, {
      laterThan: 0,
      usableLifetime: (lifetime) => lifetime - required(lifetime, minimum),
      retryDelay: (error) => {
        const retryAfter = Option.map(AuthError.retryAfter(error), Duration.toMillis)
        return Policy.retryDelay(Policy.defaults, 1, Option.getOrUndefined(retryAfter), 1)
      }
    })
    if (Result.isFailure(result)) {
      const { warn } = yield* Output
      yield* warn(`The token is about to expire, and could not be renewed. ${result.failure.message}`)
    }
  }).pipe(Effect.scoped)

/** What a short command needs. */
export interface Brief {
  /** How long the token must still be valid, if there is such a token. Default: a minute. */
  readonly minimum?: Duration.Duration
  /** Fails if the command must not use this environment. Runs before anything is sent. */
  readonly assert?: (environment: Environment.Environment) => Effect.Effect<void, Failure>
}

const makeBrief = (
  { assert = () => Effect.void, minimum = Duration.minutes(1) }: Brief
): Effect.Effect<
  TokenProvider.TokenProvider["Service"],
  AuthError.AuthError | Failure,
  TokenEndpoint.TokenEndpoint | Credentials.Credentials | Output | Scope.Scope
> =>
  Effect.gen(function*() {
    const provider = yield* TokenProvider.make({ refresh: asItIs })
    yield* assert(provider.environment)
    const token = yield* provider.get
    if (livesFor(token, minimum, yield* DateTime.now)) return provider
    yield* renew(minimum)
    return yield* TokenProvider.make({ refresh: asItIs })
  })

/** For a short command: with a token that is valid for long enough. */
export const layerBrief = (
  input: Input,
  brief: Brief = {}
): Layer.Layer<Session, Failure | Config.ConfigError | AuthError.AuthError, Services> =>
  sessionOf(input, Layer.effect(TokenProvider.TokenProvider, makeBrief(brief)))
