import * as Engine from "@effect-spotnana/engine/Lifecycle"
import { oneOf } from "@effect-spotnana/engine/Options"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import type { AuthError } from "../../AuthError.ts"
import type { Credentials } from "../../Credentials.ts"
import type { Environment } from "../../Environment.ts"
import type { TokenEndpoint } from "../../TokenEndpoint.ts"
import { makeRequestToken } from "../tokenEndpoint/requestToken.ts"
import { TokenStore } from "../tokenStore/tag.ts"
import { Acquisition } from "./acquisition.ts"
import { enginePolicy } from "./enginePolicy.ts"
import type { Options, Service } from "./service.ts"
import { CurrentShell } from "./shell.ts"
import type { Shell } from "./shell.ts"
import { Telemetry } from "./telemetry.ts"

/** The parts of a provider, and its scope. */
export interface Parts {
  readonly endpoint: TokenEndpoint["Service"]
  readonly credentials: Credentials["Service"]
  /** The services that acquisitions run with. */
  readonly context: Context.Context<never>
  /** The provider ends when it closes. */
  readonly scope: Scope.Scope
  /** What logs and counts. Default: {@link Telemetry}. */
  readonly telemetry?: (new(...args: ConstructorParameters<typeof Telemetry>) => Telemetry) | undefined
}

/** Runs a provider. {@link serviceOf} is what its users get. */
export const makeShell = Effect.fnUntraced(function*(options: Options, parts: Parts) {
  const { credentials, endpoint, scope, telemetry = Telemetry } = parts
  const { environment } = endpoint
  // A provider that is built within a span does not end with the span. The context is copied only if it has a span,
  // because a copy needs memory for each of thousands of tenants.
  const isInSpan = Option.isSome(Context.getOption(parts.context, Tracer.ParentSpan))
  const context = isInSpan ? Context.omit(Tracer.ParentSpan)(parts.context) : parts.context
  const eager = oneOf("TokenProvider.eager", options.eager ?? false, [true, false, "background"])
  const policy = enginePolicy(options.refresh, endpoint.timeout)
  const store = yield* Effect.serviceOption(TokenStore)
  const sharing = Option.isNone(store)
    ? undefined
    : yield* Scope.provide(store.value.share(store.value.backend, endpoint), scope)
  const requestToken = sharing?.acquire ?? makeRequestToken(endpoint, Context.get(context, Clock.Clock))
  const Shell = Context.get(context, CurrentShell)
  const shell = new Shell(
    Engine.initial(policy),
    new Acquisition(credentials, requestToken, policy.acquisitionTimeout),
    sharing,
    new telemetry(environment, context, sharing === undefined && parts.telemetry === undefined),
    context,
    scope
  )
  yield* Scope.addFinalizer(scope, shell.closing)
  if (eager === true) yield* shell.get()
  if (eager === "background") shell.start()
  return shell
}) satisfies (options: Options, parts: Parts) => Effect.Effect<Shell, AuthError>

/** The service of a provider that {@link makeShell} runs. */
export const serviceOf = (environment: Environment, shell: Shell): Service => ({
  environment,
  get: shell.current,
  reject: (token, evidence) => shell.reject(token, evidence),
  replacement: (rejected, isRepeated) => shell.replacement(rejected, isRepeated),
  replayAccepted: Effect.suspend(() => shell.replayAccepted()),
  status: Effect.sync(() => shell.status()),
  changes: Stream.suspend(() => shell.changes())
})
