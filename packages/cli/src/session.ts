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

/** What a provider is made of: where to ask, with which credentials, by which client, and where tokens are kept. */
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

/** For a command that goes on: the token is renewed in the background. */
export const layer = (input: Input): Layer.Layer<Session, Failure | Config.ConfigError, Services> =>
  sessionOf(input, TokenProvider.layer())

/** How long a token lives from now on. */
export const timeLeft = (token: AccessToken.AccessToken): Effect.Effect<Duration.Duration> =>
  Effect.map(
    DateTime.now,
    (now) => Duration.millis(Math.max(0, DateTime.toEpochMillis(token.expiresAt) - DateTime.toEpochMillis(now)))
  )

// A command that is over soon has no use for a renewal in passing: its end would break the request off, run after run.
export const asItIs: RefreshPolicy.Options = { mode: "onDemand", renewAt: 0.99, jitter: 0, minimumMargin: 0 }

/** How many milliseconds have to be left of a token's life. A new one will do: another one would have no more. */
const required = (lifetime: number, minimum: Duration.Duration): number =>
  Math.min(Duration.toMillis(minimum), 0.98 * lifetime)

const livesFor = (token: AccessToken.AccessToken, minimum: Duration.Duration, now: DateTime.Utc): boolean =>
  DateTime.toEpochMillis(token.expiresAt) - DateTime.toEpochMillis(now) >=
    required(Duration.toMillis(AccessToken.lifetime(token)), minimum)

/** Puts a token that lives for so long into the store, unless another process does so first. */
const renew = (
  minimum: Duration.Duration
): Effect.Effect<void, never, TokenEndpoint.TokenEndpoint | Credentials.Credentials | Output> =>
  Effect.gen(function*() {
    const store = yield* Effect.serviceOption(TokenStore.TokenStore)
    // Without a store there is no token but a new one.
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

/** What a command that is over soon wants of its token. */
export interface Brief {
  /** How long it lives at least, if there is such a token to be had. Default: a minute. */
  readonly minimum?: Duration.Duration
  /** Fails where the command has no business there. Asked before anything is sent. */
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

/** For a command that is over soon: with a token that is valid for long enough. */
export const layerBrief = (
  input: Input,
  brief: Brief = {}
): Layer.Layer<Session, Failure | Config.ConfigError | AuthError.AuthError, Services> =>
  sessionOf(input, Layer.effect(TokenProvider.TokenProvider, makeBrief(brief)))
