import * as Engine from "@effect-spotnana/engine/Lifecycle"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import type { AuthError } from "../../AuthError.ts"
import type { Credentials } from "../../Credentials.ts"
import type { TokenEndpoint } from "../../TokenEndpoint.ts"
import { TokenStore } from "../../TokenStore.ts"
import { oneOf } from "../options.ts"
import { makeRequestToken } from "../tokenEndpoint/requestToken.ts"
import { makeAcquisition } from "./acquisition.ts"
import { enginePolicy } from "./enginePolicy.ts"
import type { Options, Service } from "./service.ts"
import { CurrentShell } from "./shell.ts"
import { Telemetry } from "./telemetry.ts"

/** What a provider is made of, and where it lives. */
export interface Parts {
  readonly endpoint: TokenEndpoint["Service"]
  readonly credentials: Credentials["Service"]
  /** The services that acquisitions run with. */
  readonly context: Context.Context<never>
  /** Its end is the provider's. */
  readonly scope: Scope.Scope
  /** What logs and counts. Default: {@link Telemetry}. */
  readonly telemetry?: (new(...args: ConstructorParameters<typeof Telemetry>) => Telemetry) | undefined
}

export const makeProvider = Effect.fnUntraced(function*(options: Options, parts: Parts) {
  const { credentials, endpoint, scope, telemetry = Telemetry } = parts
  // What was built within a span does not end with it.
  const context = Context.omit(Tracer.ParentSpan)(parts.context)
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
    makeAcquisition(credentials, requestToken, policy.acquisitionTimeout),
    sharing,
    (secondsLeft) =>
      new telemetry(endpoint.environment, context, secondsLeft, sharing === undefined && parts.telemetry === undefined),
    context,
    scope
  )
  yield* Scope.addFinalizer(scope, Effect.suspend(() => shell.close()))
  if (eager === true) yield* shell.get()
  if (eager === "background") shell.start()
  return {
    environment: endpoint.environment,
    get: Effect.suspend(() => shell.get()),
    reject: (token, evidence) => shell.reject(token, evidence),
    replacement: (rejected, isRepeated = false) => shell.replacement(rejected, isRepeated),
    replayAccepted: Effect.suspend(() => shell.replayAccepted()),
    status: Effect.sync(() => shell.status()),
    changes: Stream.suspend(() => shell.changes())
  } satisfies Service as Service
}) satisfies (options: Options, parts: Parts) => Effect.Effect<Service, AuthError>
