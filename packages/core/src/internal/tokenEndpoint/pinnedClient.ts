import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { constFalse } from "effect/Function"
import type { HttpClientError, HttpClientRequest, HttpClientResponse } from "effect/http"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Tracer from "effect/Tracer"

/** A client wanted to send the request to another address. */
export class Diverted extends Data.TaggedError("Diverted")<{
  /** The origin of that address. */
  readonly origin: string
}> {}

/** A URL without its query, which may contain a key. */
export const withoutQuery = (url: string): string => url.replace(/\?.*$/, "")

// A client made by `FetchHttpClient.layer` keeps the `RequestInit` that its layer was built with, such as a proxy's
// dispatcher. A `RequestInit` that is provided later replaces all of it. `NodeHttpClient.layerUndici` does the same
// with its options. To add to these options, they must be read from inside the client, because the request effect runs
// in the client's own context. The interruption ends the request before anything is sent or retried.
const contextOf = (client: HttpClient.HttpClient): Effect.Effect<Context.Context<never>> => {
  let captured = Context.empty()
  const look = Effect.contextWith((context: Context.Context<never>) => {
    captured = context
    return Effect.interrupt
  })
  return Effect.map(Effect.exit(client.postprocess(look)), () => captured)
}

/** The options of `NodeHttpClient.layerUndici`, by the key that they have there: the core does not know that package. */
const UndiciOptions = Context.Reference<object>("@effect/platform-node/NodeHttpClient/UndiciOptions", {
  defaultValue: () => ({})
})

// A client that follows redirects or rewrites URLs would send the secret to another address. Every client made by
// `HttpClient.make` calls this predicate for each request right before it is sent, which is the last moment to refuse
// it. The predicate is not called if propagation is disabled. So propagation is enabled, and the predicate's answer
// disables it.
const onlyTo = <A, E, R>(address: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | Diverted, R> =>
  Effect.contextWith((context: Context.Context<R>) => {
    const disabled = Context.get(context, Tracer.DisablePropagation)
    const disabledWhen = Context.get(context, HttpClient.TracerDisabledWhen)
    return effect.pipe(
      Effect.provideService(Tracer.DisablePropagation, false),
      Effect.provideService(HttpClient.TracerDisabledWhen, (request) => {
        const { url } = request
        // The span would contain the query.
        if (withoutQuery(url) === address) return disabled || url !== address || disabledWhen(request)
        throw new Diverted({
          origin: URL.canParse(url) ? new URL(url).origin : "an address that is not a URL"
        })
      }),
      Effect.catchDefect((defect) => defect instanceof Diverted ? Effect.fail(defect) : Effect.die(defect))
    )
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
 * A client for requests that contain credentials. They are sent to one address, no redirect is followed, no answer is
 * cached, and a span contains neither their headers nor their query. It returns answers of every status, even if the
 * client filters statuses.
 */
export class PinnedClient {
  readonly #client: HttpClient.HttpClient
  readonly #requestInit: RequestInit | undefined
  readonly #undiciOptions: object

  static readonly make = (client: HttpClient.HttpClient): Effect.Effect<PinnedClient> =>
    Effect.map(contextOf(client), (context) => new PinnedClient(client, context))

  private constructor(client: HttpClient.HttpClient, context: Context.Context<never>) {
    this.#client = client
    this.#requestInit = Context.getOrUndefined(context, FetchHttpClient.RequestInit)
    this.#undiciOptions = Context.get(context, UndiciOptions)
  }

  /** `address` is without a query. */
  send(
    address: string,
    request: HttpClientRequest.HttpClientRequest
  ): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError | Diverted> {
    return onlyTo(address, this.#client.execute(request)).pipe(
      Effect.catchTag(
        "HttpClientError",
        (error) => error.reason._tag === "StatusCodeError" ? Effect.succeed(error.reason.response) : Effect.fail(error)
      ),
      Effect.provideService(FetchHttpClient.RequestInit, fetchOptions(this.#requestInit)),
      // With this option, the interceptor for redirects does not follow them.
      Effect.provideService(UndiciOptions, { ...this.#undiciOptions, maxRedirections: 0 }),
      Effect.provideService(HttpClient.TracerHeaderFilter, constFalse)
    )
  }
}
