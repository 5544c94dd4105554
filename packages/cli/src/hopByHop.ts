/** The headers that are between two neighbours, and for nobody behind them (RFC 9110 §7.6.1). */
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
