import * as Engine from "@effect-spotnana/engine/Lifecycle"
import { oneOf } from "@effect-spotnana/engine/Options"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as List from "effect/List"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as RuntimeFlags from "effect/RuntimeFlags"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import type { AuthError } from "../../AuthError.ts"
import type { Credentials } from "../../Credentials.ts"
import type { TokenEndpoint } from "../../TokenEndpoint.ts"
import { TokenStore } from "../../TokenStore.ts"
import { makeRequestToken } from "../tokenEndpoint/requestToken.ts"
import { makeAcquisition } from "./acquisition.ts"
import { enginePolicy } from "./enginePolicy.ts"
import type { Options, Service } from "./service.ts"
import { Shell } from "./shell.ts"
import { Telemetry } from "./telemetry.ts"

/** The parts of a provider. */
export interface Parts {
  readonly endpoint: TokenEndpoint["Type"]
  readonly credentials: Credentials["Type"]
}

/** Makes a provider that ends with the scope. Its acquisitions run with the services of this effect. */
export const makeProvider = (options: Options, parts: Parts): Effect.Effect<Service, AuthError, Scope.Scope> =>
  Effect.gen(function*() {
    const { credentials, endpoint } = parts
    // A provider that is built within a span does not end with the span. One that is built where interruption is off
    // must close all the same.
    const runtime = (yield* Effect.runtime()).pipe(
      Runtime.updateContext(Context.omit(Tracer.ParentSpan)),
      Runtime.setFiberRef(FiberRef.currentLogSpan, List.empty()),
      Runtime.enableRuntimeFlag(RuntimeFlags.Interruption)
    )
    const clock = yield* Effect.clock
    const labels = yield* FiberRef.get(FiberRef.currentMetricLabels)
    const eager = oneOf("TokenProvider.eager", options.eager ?? false, [true, false, "background"])
    const policy = enginePolicy(options.refresh, endpoint.timeout)
    const store = yield* Effect.serviceOption(TokenStore)
    const sharing = Option.isNone(store) ? undefined : yield* store.value.share(store.value.backend, endpoint)
    const requestToken = sharing?.acquire ?? makeRequestToken(endpoint, clock)
    const shell = new Shell(
      Engine.initial(policy),
      makeAcquisition(credentials, requestToken, policy.acquisitionTimeout),
      sharing,
      (secondsLeft) => new Telemetry(endpoint.environment, clock, labels, secondsLeft, sharing === undefined),
      { runtime, clock, random: yield* Effect.random }
    )
    yield* Effect.addFinalizer(() => Effect.suspend(() => shell.close()))
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
    }
  })
