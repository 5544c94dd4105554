import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { constFalse } from "effect/Function"
import { FetchHttpClient, HttpClient } from "effect/http"
import type { HttpClientError, HttpClientRequest, HttpClientResponse } from "effect/http"
import * as Tracer from "effect/Tracer"

/** A client wanted to send the request to another address. */
export class Diverted extends Data.TaggedError("Diverted")<{
  /** The origin of that address. */
  readonly origin: string
}> {}

/** Sends a request to one address, and never anywhere else. */
export type PinnedClient = (
  request: HttpClientRequest.HttpClientRequest
) => Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError | Diverted>

/** A URL without what may have a key in it. */
export const withoutQuery = (url: string): string => url.replace(/\?.*$/, "")

// A client made by `FetchHttpClient.layer` keeps the `RequestInit` (a proxy's dispatcher, say) that its layer was
// built with, and one provided later takes its place whole. To add to it, it has to be seen: from inside, since the
// request effect runs in the client's own context. The interruption ends that before anything is sent or retried.
const capturedRequestInit = (client: HttpClient.HttpClient): Effect.Effect<globalThis.RequestInit | undefined> => {
  let captured: globalThis.RequestInit | undefined
  const look = Effect.contextWith((context: Context.Context<never>) => {
    captured = Context.getOrUndefined(context, FetchHttpClient.RequestInit)
    return Effect.interrupt
  })
  return Effect.map(Effect.exit(client.postprocess(look)), () => captured)
}

// A client that follows redirects or rewrites URLs would take the secret along. This predicate is what every client made
// by `HttpClient.make` asks about each request right before it is sent: the last moment to refuse one. It is not asked
// where propagation is disabled altogether, so that is put into its answer.
const onlyTo = <A, E, R>(address: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | Diverted, R> =>
  Effect.contextWith((context: Context.Context<R>) => {
    const disabled = Context.get(context, Tracer.DisablePropagation)
    const disabledWhen = Context.get(context, HttpClient.TracerDisabledWhen)
    return effect.pipe(
      Effect.provideService(Tracer.DisablePropagation, false),
      Effect.provideService(HttpClient.TracerDisabledWhen, (request) => {
        if (withoutQuery(request.url) === address) return disabled || disabledWhen(request)
        throw new Diverted({
          origin: URL.canParse(request.url) ? new URL(request.url).origin : "an address that is not a URL"
        })
      }),
      Effect.catchDefect((defect) => defect instanceof Diverted ? Effect.fail(defect) : Effect.die(defect))
    )
  })

/**
 * A client for requests with credentials in them: they go to `address` (without a query), no redirect is followed, and
 * no header of theirs is in a span. An answer is an answer whatever its status, also where the client filters statuses.
 */
export const pinnedClient = /* #__PURE__ */ Effect.fnUntraced(
  function*(client: HttpClient.HttpClient, address: string): Effect.fn.Return<PinnedClient> {
    const requestInit = { ...(yield* capturedRequestInit(client)), redirect: "manual" as const }
    return (request) =>
      onlyTo(address, client.execute(request)).pipe(
        Effect.catchTag("HttpClientError", (error) =>
          error.reason._tag === "StatusCodeError" ? Effect.succeed(error.reason.response) : Effect.fail(error)),
        Effect.provideService(FetchHttpClient.RequestInit, requestInit),
        Effect.provideService(HttpClient.TracerHeaderFilter, constFalse)
      )
  }
)
