import * as Url from "@effect-spotnana/engine/Url"
import * as Headers from "@effect/platform/Headers"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Environment } from "../../Environment.ts"
import { changed } from "./sending.ts"
import { originalOf, redirectWithoutBearer } from "./withoutBearer.ts"

// A redirect is followed by the platform (by `fetch`, by undici with an interceptor) or by `HttpClient.followRedirects`.
// The latter may be below this client, or around it: then each hop is a request of its own.

type Request = HttpClientRequest.HttpClientRequest
type Response = HttpClientResponse.HttpClientResponse

/** What the platforms make their responses of. */
interface Source {
  /** Of `fetch`: empty where a program made the response. */
  readonly url?: string
  readonly redirected?: boolean
  /** Of undici's interceptor: every URL that was requested, the last one included. */
  readonly context?: { readonly history?: ReadonlyArray<URL> } | null
}

interface PlatformResponse {
  readonly original?: PlatformResponse
  readonly source?: Source
}

// Effect 3 has no word for it, so that it is taken from where each platform has it.
const sourceOf = (response: Response): Source => {
  const { original, source } = originalOf(response) as PlatformResponse
  return original?.source ?? source ?? {}
}

const requestedUrl = ({ request }: Response): string =>
  Option.match(HttpClientRequest.toUrl(request), {
    onNone: () => request.url,
    onSome: (url) => {
      url.hash = ""
      return url.href
    }
  })

/** The URL that a response comes from. */
export const finalUrl = (response: Response): string => {
  const { context, url } = sourceOf(response)
  return context?.history?.at(-1)?.href ?? (url || requestedUrl(response))
}

/** A platform may have followed a redirect by itself: what it sent then, and to whom in between, is not known. */
export const wasRedirected = (response: Response): boolean => {
  const { context, redirected, url } = sourceOf(response)
  // These two tell of redirects to the requested URL itself, too.
  if (redirected === true || (context?.history?.length ?? 0) > 1) return true
  return Boolean(url) && url !== requestedUrl(response)
}

/** Whether a response is one that `HttpClient.followRedirects` follows. */
export const isRedirect = (response: Response): boolean =>
  // A response reads its headers anew each time that it is asked for them.
  response.status >= 300 && response.status < 400 && response.headers["location"] !== undefined

// A fragment stays on a URL whoever follows the redirect, in whatever fiber. Undici would send it.
const returning = "redirected-from-another-origin"

/**
 * The same request, or one without the mark where a redirect of another origin has led here: that origin chose the URL, so
 * the bearer is not for it.
 */
export const unmarked = (request: Request): Request => {
  const { hash, url } = request
  return Option.contains(hash, returning) || url.endsWith(`#${returning}`)
    ? changed(request, { url: url.replace(`#${returning}`, ""), hash: Option.none() })
    : request
}

/** Marks the target of a redirect of another origin that leads to the API, so that the next request is known by it. */
export const markReturn = (environment: Environment, response: Response): Effect.Effect<Response> => {
  const { location } = response.headers
  const { url } = response.request
  if (!isRedirect(response) || location === undefined || !URL.canParse(location, url)) return Effect.succeed(response)
  const target = new URL(location, url)
  if (Url.resolve(environment, target.href) === undefined) return Effect.succeed(response)
  target.hash = returning
  return redirectWithoutBearer(response, Headers.set(response.headers, "location", target.href))
}
