import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"

/**
 * Calls `look` for every request of an effect right before it is sent, after all combinators and redirects: if tracing
 * is enabled, each client made by `HttpClient.make` calls this predicate then. If `look` returns "untraced", the
 * request gets no span. If it throws, the request is not sent, and the effect dies with that defect.
 */
export const beforeSending = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  look: (request: HttpClientRequest.HttpClientRequest) => "traced" | "untraced"
): Effect.Effect<A, E, R> =>
  Effect.withFiberRuntime((fiber) => {
    const isEnabled = fiber.getFiberRef(FiberRef.currentTracerEnabled)
    const isDisabledFor = fiber.getFiberRef(HttpClient.currentTracerDisabledWhen)
    // Each change of a FiberRef takes longer than everything else that the library does for a request with a valid
    // token.
    const traced = isEnabled ? effect : Effect.withTracerEnabled(effect, true)
    return Effect.locally(
      traced,
      HttpClient.currentTracerDisabledWhen,
      (request) => look(request) === "untraced" || !isEnabled || isDisabledFor(request)
    )
  })
