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

/** A URL without what may have a key in it. */
export const withoutQuery = (url: string): string => url.replace(/\?.*$/, "")

// A client made by `FetchHttpClient.layer` keeps the `RequestInit` (a proxy's dispatcher, say) that its layer was
// built with, and one provided later takes its place whole; `NodeHttpClient.layerUndici` does so with its options. To
// add to them, they have to be seen: from inside, since the request effect runs in the client's own context. The
// interruption ends that before anything is sent or retried.
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
        const { url } = request
        // The span would have the query.
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
  // Frameworks put a `fetch` of their own in place that keeps answers on disk. This is the standard's way to forbid it. A
  // Cloudflare Worker with a compatibility date before 2024-11-11 refuses the option, and `Request` has no such property.
  // Read by `fetch` alone: Node loads all of its `fetch` for a look at `Request`: 2 MB of heap.
  get cache(): "no-store" {
    // Undefined is as good as absent, which its type has no word for.
    return (typeof Request !== "undefined" && "cache" in Request.prototype ? "no-store" : undefined)!
  },
  // Next.js overrides that in a page with `fetchCache = "force-cache"`, and otherwise makes the page dynamic. What is
  // marked so goes straight to the network.
  next: { internal: true }
})

/**
 * A client for requests with credentials in them: they go to one address, no redirect is followed, no answer is cached,
 * and neither a header nor a query of theirs is in a span. An answer is an answer whatever its status, also where the
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
      // The interceptor that follows redirects does not, for a request that says so.
      Effect.provideService(UndiciOptions, { ...this.#undiciOptions, maxRedirections: 0 }),
      Effect.provideService(HttpClient.TracerHeaderFilter, constFalse)
    )
  }
}
