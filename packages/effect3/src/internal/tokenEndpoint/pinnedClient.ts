import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Headers from "@effect/platform/Headers"
import * as HttpBody from "@effect/platform/HttpBody"
import type * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { beforeSending, isUnseen, unsendable } from "../http/beforeSending.ts"
import { changed, errorsIn, filteredResponse, halvesOf } from "../httpClient/sending.ts"

/** A client wanted to send the request to another address. */
export class Diverted extends Schema.TaggedError<Diverted>()("Diverted", {
  /** The origin of that address. */
  origin: Schema.String
}) {}

/** The client keeps the library from seeing where it sends the request. */
export class Unseen extends Schema.TaggedError<Unseen>()("Unseen", {}) {}

/** Sends a request to one address, and never anywhere else. */
export type PinnedClient = (
  request: HttpClientRequest.HttpClientRequest
) => Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError | Diverted | Unseen>

/** A URL without its query, which may contain a key. */
export const withoutQuery = (url: string): string => url.replace(/\?.*$/, "")

/** The options of `NodeHttpClient.layerUndici`, by the key that they have there: that package is not known here. */
class UndiciOptions
  extends Context.Tag("@effect/platform-node/NodeHttpClient/undiciOptions")<UndiciOptions, object>()
{}

const fetchOptions = (given: RequestInit | undefined) => ({
  ...given,
  redirect: "manual" as const,
  // Frameworks put a `fetch` of their own in place that keeps answers on disk. This is the standard's way to forbid it. A
  // Cloudflare Worker with a compatibility date before 2024-11-11 refuses the option, and `Request` has no such property.
  // It is a getter, so that only `fetch` reads it: a look at `Request` makes Node load all of its `fetch`, 2 MB of heap.
  get cache(): "no-store" {
    // Undefined has the same effect as absent, which its type does not allow.
    return (typeof Request !== "undefined" && "cache" in Request.prototype ? "no-store" : undefined)!
  },
  // Next.js overrides that in a page with `fetchCache = "force-cache"`, and otherwise makes the page dynamic. With this
  // mark, the request goes straight to the network.
  next: { internal: true }
})

const everyHeader = [/^/]

// A client made by `FetchHttpClient.layer` keeps the `RequestInit` that its layer was built with, such as a proxy's
// dispatcher, and one that is provided around a request replaces it. `NodeHttpClient.layerUndici` does the same with its
// options. Neither may be replaced by these options alone, so they are added inside the client: where it asks for the
// request.
const optionsIn = (context: Context.Context<never>): { readonly fetch?: RequestInit; readonly undici?: object } => ({
  fetch: context.unsafeMap.get(FetchHttpClient.RequestInit.key),
  undici: context.unsafeMap.get(UndiciOptions.key)
})

const withoutRedirects = (context: Context.Context<never>): Context.Context<never> => {
  const { fetch, undici } = optionsIn(context)
  return context.pipe(
    Context.add(FetchHttpClient.RequestInit, fetchOptions(fetch)),
    // With this option, the interceptor for redirects does not follow them.
    Context.add(UndiciOptions, { ...undici, maxRedirections: 0 })
  ) as Context.Context<never>
}

/** Whether the options that the platform is about to use are the ones that were set. */
const isWithoutRedirects = (): boolean => {
  const fiber = Option.getOrThrow(Fiber.getCurrentFiber())
  const { fetch, undici } = optionsIn(fiber.getFiberRef(FiberRef.currentContext))
  return fetch?.redirect === "manual" && Predicate.hasProperty(undici, "maxRedirections") &&
    undici.maxRedirections === 0
}

const confine = () =>
  Effect.zipRight(
    FiberRef.update(FiberRef.currentContext, withoutRedirects),
    FiberRef.set(Headers.currentRedactedNames, everyHeader)
  )

const hidden = Headers.unsafeFromRecord({ authorization: unsendable })

/**
 * A client for requests that contain credentials. They are sent to `address` (without a query), no redirect is
 * followed, no answer is cached, and a span contains neither the values of their headers nor their query. It returns
 * answers of every status, even if the client filters statuses.
 */
export const pinnedClient = (client: HttpClient.HttpClient, address: string): PinnedClient => {
  const { postprocess, preprocess } = halvesOf(client)
  return (request) =>
    Effect.suspend(() => {
      let whole = request
      let isSeen = false
      // The client's own changes may need the whole request: a signature.
      const prepared = Effect.map(preprocess(request), (changedByClient) => {
        whole = changedByClient
        isSeen = false
        return changed(whole, { headers: hidden, body: HttpBody.empty })
      })
      // A client that follows redirects or rewrites URLs would send the secret to another address.
      const sending = beforeSending(postprocess, Effect.zipLeft(prepared, Effect.suspend(confine)), (request) => {
        const { url } = request
        if (withoutQuery(url) !== address) {
          throw new Diverted({ origin: URL.canParse(url) ? new URL(url).origin : "an address that is not a URL" })
        }
        if (!isWithoutRedirects()) throw new Unseen()
        isSeen = true
        const { body, headers, method } = whole
        if (request.headers.authorization === unsendable) {
          const others = Headers.remove(request.headers, "authorization")
          // A redirect to the address itself may have made a GET of a POST. It gets no secret.
          Object.assign(
            request,
            request.method === method ? { body, headers: Headers.merge(others, headers) } : { headers: others }
          )
        }
        // The span would contain the query.
        return url === address ? "traced" : "untraced"
      })
      return sending.pipe(
        Effect.catchAllCause((cause): Effect.Effect<never, HttpClientError.HttpClientError | Diverted | Unseen> => {
          const errors = errorsIn(cause)
          const refusal = errors.find((error) => error instanceof Diverted || error instanceof Unseen)
          if (refusal !== undefined) return Effect.fail(refusal)
          return !isSeen && errors.some(isUnseen) ? Effect.fail(new Unseen()) : Effect.failCause(cause)
        }),
        Effect.catchTag("ResponseError", (error) => {
          const response = filteredResponse(error)
          return response === undefined ? Effect.fail(error) : Effect.succeed(response)
        }),
        Effect.filterOrFail(() => isSeen, () => new Unseen()),
        Effect.locally(Headers.currentRedactedNames, everyHeader)
      )
    })
}
