import type { Headers } from "effect/http"

/**
 * Whether a page of the server's own origin sent the request.
 *
 * Browsers say so in `Sec-Fetch-Site`, which no script can set. Browsers from before 2023 do not send it, and no
 * browser sends it to an address that is neither HTTPS nor on this machine. Then the host in `Origin`, which browsers
 * send with every `POST`, must be the host in `Host`. A request with neither header is not from a page.
 */
export const isSameOrigin = (headers: Headers.Headers): boolean => {
  const site = headers["sec-fetch-site"]
  if (site !== undefined) return site === "same-origin"
  const [, host] = /^https?:\/\/([^/]+)$/i.exec(headers["origin"] ?? "") ?? []
  return host !== undefined && host.toLowerCase() === headers["host"]?.toLowerCase()
}
