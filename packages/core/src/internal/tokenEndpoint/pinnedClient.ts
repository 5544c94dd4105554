import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { constFalse } from "effect/Function"
import type { HttpClientError, HttpClientResponse } from "effect/http"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Tracer from "effect/Tracer"
import { filteredResponse } from "../http/filteredResponse.ts"

type Request = HttpClientRequest.HttpClientRequest
type Response = HttpClientResponse.HttpClientResponse

/** A client wanted to send the request to another address. */
export interface Diverted {
  readonly _tag: "Diverted"
  /** The origin of that address. */
  readonly origin: string
}

/** A URL without its query, which may contain a key. */
export const withoutQuery = (url: string): string => url.replace(/\?.*$/, "")

/** The options of `NodeHttpClient.layerUndici`, by the key that they have there: the core does not know that package. */
const UndiciOptions = Context.Reference<object>("@effect/platform-node/NodeHttpClient/UndiciOptions", {
  defaultValue: () => ({})
})

const fetchOptions = (given: RequestInit | undefined) => ({
  ...given,
  redirect: "manual" as const,
  // Some frameworks replace `fetch` with one that stores answers on disk. This standard option forbids that. A
  // Cloudflare Worker with a compatibility date before 2024-11-11 refuses the option, and its `Request` has no such
  // property. It is a getter, so that only `fetch` reads it: a look at `Request` makes Node load all of its `fetch`, 2
  // MB of heap.
  get cache(): "no-store" {
    // Undefined has the same effect as absent, which its type does not allow.
    return (typeof Request !== "undefined" && "cache" in Request.prototype ? "no-store" : undefined)!
  },
  // Next.js overrides that in a page with `fetchCache = "force-cache"`, and otherwise makes the page dynamic. With this
  // mark, the request goes straight to the network.
  next: { internal: true }
})

/**
 * Sends a request that contains credentials. It is sent to one address, no redirect is followed, no answer is cached, and
 * a span contains neither its headers nor its query. `address` is without a query. It returns answers of every status,
 * even if the client filters statuses.
 *
 * A client that follows redirects or rewrites URLs would send the secret to another address. Every client made by
 * `HttpClient.make` calls `TracerDisabledWhen` for each request right before it is sent, which is the last moment to
 * refuse it. So headers, body and options are added only then: a client that replaces this predicate by its own sends no
 * secret, and no option of its own makes `fetch` follow a redirect. The predicate is not called if propagation is
 * disabled. So propagation is enabled, and the predicate's answer disables it.
 */
export const sendTo = (
  address: string,
  client: HttpClient.HttpClient,
  complete: Request
): Effect.Effect<Response, HttpClientError.HttpClientError | Diverted> => {
  const { body, headers } = HttpClientRequest.empty
  // Where the request was to go instead; empty if it was to go to the address, undefined if that is not known.
  let elsewhere: string | undefined
  return Effect.contextWith((context: Context.Context<never>) =>
    client.execute(Object.assign(HttpClientRequest.setBody(complete, body), { headers })).pipe(
      Effect.provideService(HttpClient.TracerDisabledWhen, (request) => {
        const { url } = request
        elsewhere = withoutQuery(url) === address ? "" : new URL(url, address).origin
        if (elsewhere !== "") throw new Error()
        // A redirect to the address itself may have made a GET of a POST.
        if (request.method === complete.method) {
          Object.assign(request, { headers: Headers.merge(complete.headers, request.headers), body: complete.body })
        }
        const fiber = Fiber.getCurrent()!
        fiber.setContext(fiber.context.pipe(
          Context.add(
            FetchHttpClient.RequestInit,
            fetchOptions(Context.getOrUndefined(fiber.context, FetchHttpClient.RequestInit))
          ),
          // With this option, the interceptor for redirects does not follow them.
          Context.add(UndiciOptions, { ...fiber.getRef(UndiciOptions), maxRedirections: 0 })
        ))
        // The span would contain the query.
        return url !== address || Context.get(context, Tracer.DisablePropagation) ||
          Context.get(context, HttpClient.TracerDisabledWhen)(request)
      }),
      Effect.provideService(Tracer.DisablePropagation, false),
      Effect.provideService(HttpClient.TracerHeaderFilter, constFalse),
      Effect.catch((error) => {
        const response = filteredResponse(error)
        return response === undefined ? Effect.fail(error) : Effect.succeed(response)
      }),
      Effect.exit,
      Effect.flatMap((exit): Effect.Effect<Response, HttpClientError.HttpClientError | Diverted> => {
        const origin = elsewhere ?? (Exit.isSuccess(exit) ? "an address hidden by TracerDisabledWhen" : "")
        return origin === "" ? exit : Effect.fail({ _tag: "Diverted", origin })
      })
    )
  )
}
