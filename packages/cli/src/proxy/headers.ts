import { Headers } from "effect/http"
import { hopByHop } from "../hopByHop.ts"

/**
 * Whether a body is framed and nothing else: of another transfer coding nothing is left, once the framing is another
 * (RFC 9112 §6.1).
 */
export const isFramedOnly = ({ "transfer-encoding": coding = "chunked" }: Headers.Headers): boolean =>
  coding.trim().toLowerCase() === "chunked"

/** `Connection` names further headers of that kind. */
const withoutHops = (headers: Headers.Headers): Headers.Headers => {
  const named = (headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase()).filter(Boolean)
  return Headers.removeMany(headers, [...hopByHop, ...named])
}

/**
 * A client's headers as they are sent on.
 *
 * Cookies go no further: a browser or a client that keeps them has those of other programs on this machine, whatever the
 * port.
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

/** The proxy as a client calls it, and the API behind it. */
export interface Addresses {
  /** What was requested of the API, absolute. */
  readonly requested: string
  /** What the paths of the proxy are appended to at the API. No trailing slash. */
  readonly baseUrl: string
  /** The `Host` that the client named. */
  readonly host: string
}

/**
 * A reference that the API gave, as it reads for the client: below the proxy if it leads to the API, since the bearer is
 * there, and else absolute. What is no URL leads nowhere.
 *
 * It is read here and written anew: a client resolves it against the address of the proxy, and there `https:x`, `//x` or
 * `/\x` would be somewhere else.
 */
const referenceFor = (reference: string, { baseUrl, host, requested }: Addresses): string | undefined => {
  // Node reads a header byte by byte.
  const encoded = reference.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`)
  if (!URL.canParse(encoded, requested)) return undefined
  const base = new URL(baseUrl)
  const url = new URL(encoded, requested)
  // A user name is for nobody: the bearer takes its place.
  if (url.origin === base.origin) url.username = url.password = ""
  const root = base.href.replace(/\/$/, "")
  const below = url.href.slice(root.length)
  if (!url.href.startsWith(root) || !/^(?:[/?#]|$)/.test(below)) return url.href
  // By itself it would be another host.
  if (below.startsWith("//")) return `http://${host}${below}`
  return below.startsWith("/") ? below : `/${below}`
}

const isCors = (name: string): boolean => name.startsWith("access-control-")

/**
 * The API's headers as the client gets them.
 *
 * A cookie would be kept for this machine and be sent to every program on it. `Alt-Svc` is about another host, a web page
 * is never let in, and `Refresh` leads wherever a browser reads it to.
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
