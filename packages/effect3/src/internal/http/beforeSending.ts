import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"

/**
 * Looks at every request of an effect right before it is sent, whatever combinators and redirects made of it: each client
 * made by `HttpClient.make` asks this predicate then, where tracing is enabled. Where the look says so, the request gets
 * no span. Where it throws, the request is not sent, and the effect dies of that.
 */
export const beforeSending = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  look: (request: HttpClientRequest.HttpClientRequest) => "traced" | "untraced"
): Effect.Effect<A, E, R> =>
  Effect.withFiberRuntime((fiber) => {
    const isEnabled = fiber.getFiberRef(FiberRef.currentTracerEnabled)
    const isDisabledFor = fiber.getFiberRef(HttpClient.currentTracerDisabledWhen)
    // Each change of a FiberRef takes longer than all else that a request with a valid token needs of us.
    const traced = isEnabled ? effect : Effect.withTracerEnabled(effect, true)
    return Effect.locally(
      traced,
      HttpClient.currentTracerDisabledWhen,
      (request) => look(request) === "untraced" || !isEnabled || isDisabledFor(request)
    )
  })
