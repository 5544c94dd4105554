import { Headers } from "effect/http"
import { hopByHop } from "../hopByHop.ts"

/**
 * Whether the transfer coding is only chunked. Another transfer coding would be lost when the framing is replaced (RFC
 * 9112 §6.1).
 */
export const isFramedOnly = ({ "transfer-encoding": coding = "chunked" }: Headers.Headers): boolean =>
  coding.trim().toLowerCase() === "chunked"

/** `Connection` names further hop-by-hop headers. */
const withoutHops = (headers: Headers.Headers): Headers.Headers => {
  const named = (headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase()).filter(Boolean)
  return Headers.removeMany(headers, [...hopByHop, ...named])
}

/**
 * A client's headers as they are forwarded.
 *
 * Cookies are not forwarded: a client that stores cookies may send those of other
 * programs on this machine, whatever their port.
 */
export const towardsApi = (headers: Headers.Headers): Headers.Headers => {
  const kept = Headers.removeMany(withoutHops(headers), [
    "authorization",
    "content-length",
    "cookie",
    "expect",
    "host",
    "http2-settings"
  ])
  // RFC 9110 §7.6.3.
  return Headers.set(kept, "via", kept.via === undefined ? "1.1 spotnana-auth" : `${kept.via}, 1.1 spotnana-auth`)
}

/** The addresses of the proxy and of the API. */
export interface Addresses {
  /** The absolute URL that was requested from the API. */
  readonly requested: string
  /** The base URL of the API, to which the paths of the proxy are appended. No trailing slash. */
  readonly baseUrl: string
  /** The `Host` that the client sent. */
  readonly host: string
}

/**
 * Rewrites a reference of the API for the client. If it leads to the API, it leads through the proxy, which adds the
 * token. Otherwise it is absolute. Undefined if it is not a URL.
 *
 * It is parsed here and written again, because a client resolves it against the address of the proxy, where `https:x`,
 * `//x` or `/\x` would lead elsewhere.
 */
const referenceFor = (reference: string, { baseUrl, host, requested }: Addresses): string | undefined => {
  // Node reads a header byte by byte.
  const encoded = reference.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`)
  if (!URL.canParse(encoded, requested)) return undefined
  const base = new URL(baseUrl)
  const url = new URL(encoded, requested)
  // A user name is removed, because the token replaces it.
  if (url.origin === base.origin) url.username = url.password = ""
  const root = base.href.replace(/\/$/, "")
  const below = url.href.slice(root.length)
  if (!url.href.startsWith(root) || !/^(?:[/?#]|$)/.test(below)) return url.href
  // Alone, it would be read as another host.
  if (below.startsWith("//")) return `http://${host}${below}`
  return below.startsWith("/") ? below : `/${below}`
}

const isCors = (name: string): boolean => name.startsWith("access-control-")

/**
 * The API's headers as the client gets them.
 *
 * Removes headers. A client would store a cookie for this machine and send it to
 * every program on it. `Alt-Svc` names another host. CORS headers would let web
 * pages in. `Refresh` leads a browser elsewhere.
 */
export const towardsClient = (headers: Headers.Headers, addresses: Addresses): Headers.Headers => {
  const kept = Headers.removeMany(withoutHops(headers), [
    "alt-svc",
    "refresh",
    "set-cookie",
    ...Object.keys(headers).filter(isCors)
  ])
  return ["location", "content-location"].reduce((headers, name) => {
    const reference = headers[name]
    if (reference === undefined) return headers
    const seen = referenceFor(reference, addresses)
    return seen === undefined ? Headers.remove(headers, name) : Headers.set(headers, name, seen)
  }, kept)
}
