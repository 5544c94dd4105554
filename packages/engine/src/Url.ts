/**
 * Where a request goes, and whether it may carry the token.
 *
 * @since 0.1.0
 */

import { printable } from "./Text.ts"

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
  // The slash ends the authority, so this prefix proves the origin. The rest handles other spellings of the URL.
  origins.some((origin) => url.startsWith("/", origin.length) && url.startsWith(origin)) ||
  (URL.canParse(url) && origins.includes(new URL(url).origin))

/**
 * The absolute URL of a request to the API; undefined if it goes to an origin
 * that is not one of `origins`.
 *
 * **Details**
 *
 * A relative URL is appended to `baseUrl`, not resolved: `//evil.example`,
 * `\\evil.example` and `@evil.example` stay paths on the API's own host.
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

const character = (code: string): string => String.fromCharCode(parseInt(code.slice(1), 16))

/**
 * A path without any percent-encoding, however often it was encoded, and without the characters that URL parsers
 * ignore.
 */
const decoded = (path: string): string => {
  // Decodes all levels of `%2525…` at once. Each other level makes a path three times as long, so there are few.
  const next = path.replace(/[\t\n\r ]/g, "").replace(/%(?:25)+/g, "%").replace(/%[0-9a-f]{2}/gi, character)
  return next === path ? path : decoded(next)
}

/**
 * Whether the path of a URL has a segment `.` or `..`. When it is resolved on the
 * way, it leads to another path than the URL begins with (RFC 3986 §5.2.4).
 *
 * **Details**
 *
 * It finds every spelling that a URL parser, a proxy or a server reads as such a
 * segment: percent-encoded any number of times, with `\` for `/`, with tabs or
 * line breaks in it, with parameters (`..;x=1`), cut by a NUL, or in overlong
 * UTF-8. Dots in a query or a fragment do not count.
 *
 * @category predicates
 * @since 0.1.0
 */
export const hasDotSegment = (url: string): boolean => {
  // Most URLs have no dot, and nothing that may decode to one, so they are not examined further. The first line takes
  // half of the time of the second.
  if (!url.includes(".") && !url.includes("%")) return false
  if (/^(?:[^.%]|%(?!25|2e|c[01])[\da-f]{2})*$/i.test(url)) return false
  const path = url.replace(/[?#].*$/s, "")
  const read = /[%\t\n\r ]/.test(path)
    ? decoded(path).replace(/\xc0\xae/g, ".").replace(/\xc0\xaf|\xc1\x9c/g, "/")
    : path
  return /(?:^|[/\\])\.{1,2}(?:[/\\;?#\0]|$)/.test(read)
}

/**
 * The path of a URL as an error shows it: without the query, which may contain a key.
 *
 * @category converting
 * @since 0.1.0
 */
export const shownPath = (url: string): string =>
  printable(url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, "").replace(/[?#].*$/s, "") || "/", [])
