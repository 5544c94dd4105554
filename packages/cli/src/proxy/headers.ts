import { Headers } from "effect/http"
import { hopByHop } from "../hopByHop.ts"

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

/**
 * Where a redirect leads to, seen from the client. It is for the client to follow: by the proxy if it leads to the API, since
 * the bearer is there, and else as it is.
 */
const locationFor = (location: string, requested: string, baseUrl: string): string => {
  if (!URL.canParse(location, requested)) return location
  const { href } = new URL(location, requested)
  if (href.startsWith(`${baseUrl}/`)) return href.slice(baseUrl.length)
  return URL.canParse(location) ? location : href
}

const isCors = (name: string): boolean => name.startsWith("access-control-")

/**
 * The API's headers as the client gets them.
 *
 * A cookie would be kept for this machine and be sent to every program on it. `Alt-Svc` is about another host, and a web
 * page is never let in.
 */
export const towardsClient = (headers: Headers.Headers, requested: string, baseUrl: string): Headers.Headers => {
  const { location } = headers
  const kept = Headers.removeMany(withoutHops(headers), [
    "alt-svc",
    "set-cookie",
    ...Object.keys(headers).filter(isCors)
  ])
  return location === undefined ? kept : Headers.set(kept, "location", locationFor(location, requested, baseUrl))
}
