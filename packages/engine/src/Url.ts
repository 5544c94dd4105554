/**
 * Where a request goes, and whether the bearer may go with it.
 *
 * @since 0.1.0
 */

// The engine is compiled without the types of any platform. Every platform has this one.
declare const URL: {
  new(url: string): { readonly origin: string }
  canParse(url: string): boolean
}

const scheme = /^[a-z][a-z0-9+.-]*:/i

/**
 * Whether an absolute URL is at one of the origins (`https://api.spotnana.com`).
 *
 * @category predicates
 * @since 0.1.0
 */
export const isAtOrigin = (origins: ReadonlyArray<string>, url: string): boolean =>
  // The slash ends the authority, so the prefix alone proves the origin. The rest is for other spellings of it.
  origins.some((origin) => url.startsWith("/", origin.length) && url.startsWith(origin)) ||
  (URL.canParse(url) && origins.includes(new URL(url).origin))

/**
 * The absolute URL of a request to the API; undefined for one that goes to an origin that is none of `origins`.
 *
 * **Details**
 *
 * A relative URL is appended to `baseUrl`. Appended, not resolved:
 * `//evil.example`, `\\evil.example` and `@evil.example` stay paths on the API's
 * own host.
 *
 * @category combinators
 * @since 0.1.0
 */
export const resolve = ({ baseUrl, origins }: {
  /** What relative URLs are appended to. No trailing slash. */
  readonly baseUrl: string
  /** Where the API is: scheme, host and port of each place. */
  readonly origins: ReadonlyArray<string>
}, url: string): string | undefined => {
  if (url.startsWith("/")) return baseUrl + url
  if (!scheme.test(url)) return `${baseUrl}/${url}`
  return isAtOrigin(origins, url) ? url : undefined
}
