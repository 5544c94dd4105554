import type { Headers } from "effect/http"

/**
 * Whether a page of the server's own origin sent the request.
 *
 * Browsers say so in `Sec-Fetch-Site`, which no script can set. Those of before 2023, and all for an address that is neither
 * HTTPS nor this machine, do not: then the host of `Origin`, which they send with every `POST`, is the one of `Host`. What
 * has neither header is no page.
 */
export const isSameOrigin = (headers: Headers.Headers): boolean => {
  const site = headers["sec-fetch-site"]
  if (site !== undefined) return site === "same-origin"
  const [, host] = /^https?:\/\/([^/]+)$/i.exec(headers["origin"] ?? "") ?? []
  return host !== undefined && host.toLowerCase() === headers["host"]?.toLowerCase()
}
