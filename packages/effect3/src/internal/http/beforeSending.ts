import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Predicate from "effect/Predicate"
import * as Tracer from "effect/Tracer"

type Request = HttpClientRequest.HttpClientRequest
type Response = HttpClientResponse.HttpClientResponse

/**
 * The beginning of an `Authorization` that no platform sends. Every request with secrets has such a one in their place,
 * until `beforeSending` has looked at the request. So a client that keeps it from looking sends nothing.
 */
export const unsendable = "\0"

export const isUnsendable = ({ headers }: Request): boolean => headers.authorization?.startsWith(unsendable) === true

/** Why such a request was not sent. */
export const unseen =
  "Nothing was sent: the HTTP client keeps the library from seeing where it sends a request, and may follow redirects. " +
  "Do not put followRedirects or transform around withTracerDisabledWhen, withTracerEnabled, a RequestInit or undici " +
  "options: apply these last, or around the call."

/** Whether a platform refused a request because nobody had looked at it. */
export const isUnseen = (error: unknown): boolean => {
  // node:http throws its error. The others' is a failure: a TypeError of fetch, or one of undici with a code.
  if (!HttpClientError.isHttpClientError(error)) return codeOf(error) === "ERR_INVALID_CHAR"
  return error._tag === "RequestError" && isUnsendable(error.request) &&
    (error.cause instanceof TypeError || codeOf(error.cause) === "UND_ERR_INVALID_ARG")
}

const codeOf = (error: unknown): unknown => Predicate.hasProperty(error, "code") ? error.code : undefined

/** Looks at a request, and may change it. */
type Look = (request: Request) => "traced" | "untraced"

// The predicate is called only if tracing is enabled. Where it was disabled, spans are made, but nobody records them.
const unrecorded = (services: Context.Context<DefaultServices.DefaultServices>) => {
  const tracer = Context.get(services, Tracer.Tracer)
  const native = Context.get(DefaultServices.liveServices, Tracer.Tracer)
  return Context.add(
    services,
    Tracer.Tracer,
    Tracer.make({
      span: (...args) => native.span(...args),
      context: (execute, fiber) => tracer.context(execute, fiber)
    })
  )
}

/**
 * Sends a request with `postprocess` of a client, and calls `look` for each request right before it is sent, after all
 * combinators and redirects: if tracing is enabled, each client made by `HttpClient.make` calls a predicate then. If
 * `look` returns "untraced", the request gets no span. If it throws, the request is not sent, and the effect dies with
 * that defect.
 *
 * A client may disable tracing, or set a predicate of its own. So the guard is put in place again where the client asks
 * for the request, inside all that the client has around that. A client that redirects asks outside of what is inside
 * the redirects: `unsendable` is for that.
 */
export const beforeSending = <E, R, E2, R2>(
  postprocess: (request: Effect.Effect<Request, E, R>) => Effect.Effect<Response, E2, R2>,
  request: Effect.Effect<Request, E, R>,
  look: Look
): Effect.Effect<Response, E2, R2> =>
  Effect.withFiberRuntime((fiber) => {
    const before = {
      isEnabled: fiber.getFiberRef(FiberRef.currentTracerEnabled),
      disabledWhen: fiber.getFiberRef(HttpClient.currentTracerDisabledWhen),
      services: fiber.getFiberRef(DefaultServices.currentServices)
    }
    let guard = before.disabledWhen
    let isUnrecorded = false
    const putGuard = Effect.withFiberRuntime<void>((fiber) => {
      const isEnabled = fiber.getFiberRef(FiberRef.currentTracerEnabled)
      const isDisabledFor = fiber.getFiberRef(HttpClient.currentTracerDisabledWhen)
      if (isEnabled && isDisabledFor === guard && guard !== before.disabledWhen) return Effect.void
      guard = (request) => {
        // It may be the guard of another client, so it is always asked.
        const isDisabled = isDisabledFor(request)
        return look(request) === "untraced" || !isEnabled || isDisabled
      }
      const put = FiberRef.set(HttpClient.currentTracerDisabledWhen, guard)
      if (isEnabled) return put
      isUnrecorded = true
      return put.pipe(
        Effect.zipRight(FiberRef.set(FiberRef.currentTracerEnabled, true)),
        Effect.zipRight(FiberRef.update(DefaultServices.currentServices, unrecorded))
      )
    })
    // Each change of a FiberRef takes longer than everything else that the library does for a request with a valid
    // token.
    const restore = Effect.suspend(() => {
      const restored = FiberRef.set(HttpClient.currentTracerDisabledWhen, before.disabledWhen)
      return !isUnrecorded ? restored : restored.pipe(
        Effect.zipRight(FiberRef.set(FiberRef.currentTracerEnabled, before.isEnabled)),
        Effect.zipRight(FiberRef.set(DefaultServices.currentServices, before.services))
      )
    })
    return Effect.acquireUseRelease(
      putGuard,
      () => postprocess(Effect.zipLeft(request, putGuard)),
      () => restore
    )
  })
