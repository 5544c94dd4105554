import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Headers from "@effect/platform/Headers"
import type * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { beforeSending } from "../http/beforeSending.ts"
import { filteredResponse, halvesOf } from "../httpClient/sending.ts"

/** A client wanted to send the request to another address. */
export class Diverted extends Schema.TaggedError<Diverted>()("Diverted", {
  /** The origin of that address. */
  origin: Schema.String
}) {}

/** Sends a request to one address, and never anywhere else. */
export type PinnedClient = (
  request: HttpClientRequest.HttpClientRequest
) => Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError | Diverted>

/** A URL without its query, which may contain a key. */
export const withoutQuery = (url: string): string => url.replace(/\?.*$/, "")

// A client made by `FetchHttpClient.layer` keeps the `RequestInit` that its layer was built with, such as a proxy's
// dispatcher. A `RequestInit` that is provided later replaces all of it. `NodeHttpClient.layerUndici` does the same
// with its options. To add to these options, they must be read from inside the client, because the request effect runs
// in the client's own context. The interruption ends the request before anything is sent or retried.
const contextOf = (client: HttpClient.HttpClient): Effect.Effect<Context.Context<never>> => {
  let captured = Context.empty()
  const look = Effect.contextWithEffect((context: Context.Context<never>) => {
    captured = context
    return Effect.interrupt
  })
  return Effect.map(Effect.exit(halvesOf(client).postprocess(look)), () => captured)
}

/** The options of `NodeHttpClient.layerUndici`, by the key that they have there: that package is not known here. */
class UndiciOptions
  extends Context.Tag("@effect/platform-node/NodeHttpClient/undiciOptions")<UndiciOptions, object>()
{}

const optional = <I, S extends object>(context: Context.Context<never>, tag: Context.Tag<I, S>): S | undefined =>
  (context as Context.Context<I>).unsafeMap.get(tag.key)

// A client that follows redirects or rewrites URLs would send the secret to another address.
const onlyTo = <A, E, R>(address: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | Diverted, R> =>
  beforeSending(effect, ({ url }) => {
    // The span would contain the query.
    if (withoutQuery(url) === address) return url === address ? "traced" : "untraced"
    throw new Diverted({
      origin: URL.canParse(url) ? new URL(url).origin : "an address that is not a URL"
    })
  }).pipe(Effect.catchAllDefect((defect) => defect instanceof Diverted ? Effect.fail(defect) : Effect.die(defect)))

const fetchOptions = () => ({
  redirect: "manual" as const,
  // Frameworks put a `fetch` of their own in place that keeps answers on disk. This is the standard's way to forbid it. A
  // Cloudflare Worker with a compatibility date before 2024-11-11 refuses the option, and `Request` has no such property.
  ...(typeof Request !== "undefined" && "cache" in Request.prototype && { cache: "no-store" as const }),
  // Next.js overrides that in a page with `fetchCache = "force-cache"`, and otherwise makes the page dynamic. With this
  // mark, the request goes straight to the network.
  next: { internal: true }
})

const everyHeader = [/^/]

/**
 * A client for requests that contain credentials. They are sent to `address` (without a query), no redirect is
 * followed, no answer is cached, and a span contains neither the values of their headers nor their query. It returns
 * answers of every status, even if the client filters statuses.
 */
export const pinnedClient = (client: HttpClient.HttpClient, address: string): Effect.Effect<PinnedClient> =>
  Effect.map(contextOf(client), (context) => {
    const requestInit = { ...optional(context, FetchHttpClient.RequestInit), ...fetchOptions() }
    // With this option, the interceptor for redirects does not follow them.
    const undiciOptions = { ...optional(context, UndiciOptions), maxRedirections: 0 }
    return (request) =>
      onlyTo(address, client.execute(request)).pipe(
        Effect.catchTag("ResponseError", (error) => {
          const response = filteredResponse(error)
          return response === undefined ? Effect.fail(error) : Effect.succeed(response)
        }),
        Effect.provideService(FetchHttpClient.RequestInit, requestInit),
        Effect.provideService(UndiciOptions, undiciOptions),
        Effect.locally(Headers.currentRedactedNames, everyHeader)
      )
  })
