/** The headers that are only for one connection, and must not be forwarded (RFC 9110 §7.6.1). */
export const hopByHop: ReadonlyArray<string> = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade"
]
