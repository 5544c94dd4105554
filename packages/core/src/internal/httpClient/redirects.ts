import * as Url from "@effect-spotnana/engine/Url"
import * as Effect from "effect/Effect"
import type { HttpClientResponse } from "effect/http"
import * as Headers from "effect/http/Headers"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Option from "effect/Option"
import type { Environment } from "../../Environment.ts"
import { originalOf, redirectWithoutBearer } from "./withoutBearer.ts"

// A redirect is followed by the platform (by `fetch`, by undici with an interceptor) or by
// `HttpClient.followRedirects`. The latter may be inside this client or around it. If it is around it, each hop is a
// request of its own.

type Request = HttpClientRequest.HttpClientRequest
type Response = HttpClientResponse.HttpClientResponse

/** The platform's own response, from which Effect makes its response. */
interface Source {
  /** Of `fetch`. */
  readonly redirected?: boolean
  /** Of undici's interceptor: every URL that was requested, the last one included. */
  readonly context?: { readonly history?: ReadonlyArray<URL> } | null
}

interface PlatformResponse {
  readonly original?: PlatformResponse
  readonly source?: Source
}

const sourceOf = (response: Response): Source => {
  const { original, source } = originalOf(response) as PlatformResponse
  return original?.source ?? source ?? {}
}

/** The URL that a response comes from. A response of undici knows only the requested URL. */
export const finalUrl = (response: Response): string =>
  sourceOf(response).context?.history?.at(-1)?.href ?? response.url

/**
 * Whether the platform may have followed a redirect by itself. What it then sent, and to which servers, is not known.
 */
export const wasRedirected = (response: Response): boolean => {
  const { context, redirected } = sourceOf(response)
  // These two also show redirects to the requested URL itself.
  if (redirected === true || (context?.history?.length ?? 0) > 1) return true
  return Option.exists(HttpClientRequest.toUrl(response.request), (requested) => {
    requested.hash = ""
    return requested.href !== response.url
  })
}

/** Whether a response is one that `HttpClient.followRedirects` follows. */
export const isRedirect = (response: Response): boolean =>
  // The status comes first, because a response reads its headers again at every access.
  response.status >= 300 && response.status < 400 && response.headers["location"] !== undefined

// A fragment is never sent, and it stays on the URL, whoever follows the redirect and in whatever fiber.
const returning = "redirected-from-another-origin"

/** Whether a redirect of another origin has led here. That origin chose the URL, so the request gets no token. */
export const isReturning = ({ hash, url }: Request): boolean =>
  Option.isSome(hash) && hash.value === returning || url.endsWith(`#${returning}`)

/**
 * Marks the target of a redirect of another origin that leads to the API, so that the next request can be recognized.
 */
export const markReturn = (environment: Environment, response: Response): Effect.Effect<Response> => {
  const { location } = response.headers
  const { url } = response.request
  if (!isRedirect(response) || location === undefined || !URL.canParse(location, url)) return Effect.succeed(response)
  const target = new URL(location, url)
  if (Url.resolve(environment, target.href) === undefined) return Effect.succeed(response)
  target.hash = returning
  return redirectWithoutBearer(response, Headers.set(response.headers, "location", target.href))
}
