import {
  AccessToken,
  Credentials,
  Environment,
  SpotnanaHttpClient,
  TokenEndpoint,
  TokenProvider
} from "@effect-spotnana/core"
import type { AuthError, RefreshPolicy } from "@effect-spotnana/core"
import type * as Config from "effect/Config"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import { FetchHttpClient } from "effect/http"
import type { HttpClient } from "effect/http"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Path from "effect/Path"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Configuration from "./configuration.ts"
import type { Failure } from "./exitCode.ts"
import { Output } from "./output.ts"
import * as TokenStore from "./tokenStore.ts"

/** The flags of every command that needs a token. */
export const flags = { ...Configuration.flags, ...TokenStore.flags }

export interface Input extends Configuration.Input, TokenStore.Input {}

type Session = SpotnanaHttpClient.SpotnanaHttpClient | TokenProvider.TokenProvider | HttpClient.HttpClient

type Services = FileSystem.FileSystem | Path.Path | Output

/** What a provider is made of: where to ask, with which credentials, by which client, and where tokens are kept. */
const Parts = (input: Input) =>
  Layer.unwrap(Effect.map(Environment.config, (environment) => TokenEndpoint.layer({ environment }))).pipe(
    Layer.provideMerge(FetchHttpClient.layer),
    Layer.merge(Credentials.layerConfig()),
    Layer.merge(TokenStore.layer(input)),
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
const asItIs: RefreshPolicy.Options = { mode: "onDemand", renewAt: 0.99, jitter: 0, minimumMargin: 0 }
const renewing: RefreshPolicy.Options = { mode: "onDemand", renewAt: 0.01, jitter: 0, minimumMargin: 0 }

/** Puts a new token into the store in place of this one, and waits until it is there, or cannot be had. */
const renew = (
  old: AccessToken.AccessToken
): Effect.Effect<void, AuthError.AuthError, TokenEndpoint.TokenEndpoint | Credentials.Credentials | Output> =>
  Effect.gen(function*() {
    const provider = yield* TokenProvider.make({ refresh: renewing })
    const isNewer = (expiresAt: DateTime.Utc) => DateTime.isGreaterThan(expiresAt, old.expiresAt)
    if (isNewer((yield* provider.get).expiresAt)) return
    // The first one took the token out of the store, this one sets off its renewal.
    yield* provider.get
    const end = yield* provider.changes.pipe(
      Stream.filter(({ expiresAt, lastError }) =>
        lastError !== undefined || (expiresAt !== undefined && isNewer(expiresAt))
      ),
      Stream.runHead
    )
    const error = Option.getOrUndefined(end)?.lastError
    if (error !== undefined) {
      yield* (yield* Output).warn(`The token is about to expire, and could not be renewed. ${error.message}`)
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
    const left = yield* timeLeft(token)
    // Of one that has just been made another one would have no more.
    const isYoung = Duration.isGreaterThan(Duration.times(left, 1.02), AccessToken.lifetime(token))
    if (Duration.isGreaterThanOrEqualTo(left, minimum) || isYoung) return provider
    yield* renew(token)
    return yield* TokenProvider.make({ refresh: asItIs })
  })

/** For a command that is over soon: with a token that is valid for long enough. */
export const layerBrief = (
  input: Input,
  brief: Brief = {}
): Layer.Layer<Session, Failure | Config.ConfigError | AuthError.AuthError, Services> =>
  sessionOf(input, Layer.effect(TokenProvider.TokenProvider, makeBrief(brief)))
