import type { Ledger } from "@effect-spotnana/testing"

const ofToken = ({ status, token }: Ledger.LedgerEntry): string => {
  if (token !== undefined) return "a token is issued"
  switch (status) {
    case 400:
    case 401:
    case 403:
      return "the credentials are refused"
    case 429:
      return "too many requests"
    default:
      return "no token"
  }
}

const ofApi = ({ clientId, status, token }: Ledger.LedgerEntry): string => {
  if (status !== 401) return ""
  if (token === undefined) return "no bearer"
  return clientId === undefined ? "the token is not valid" : "the token is valid, and is refused all the same"
}

/** What became of a request, in words. */
export const remarkOf = (entry: Ledger.LedgerEntry): string => {
  if (entry.status === "hang") return "never answered"
  if (entry.status === "drop") return "the connection is dropped"
  switch (entry.endpoint) {
    case "token":
      return ofToken(entry)
    case "api":
      return ofApi(entry)
    case "other":
      return entry.path === "/embed" ? "the page for an iframe" : "the deprecated token endpoint"
  }
}
