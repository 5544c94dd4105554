import type { Ledger } from "@effect-spotnana/testing"
import * as Redacted from "effect/Redacted"

const isExchange = ({ body }: Ledger.LedgerEntry): boolean =>
  new URLSearchParams(Redacted.value(body)).has("subject_token")

const ofToken = (entry: Ledger.LedgerEntry): string => {
  const { status, token, user } = entry
  if (token !== undefined) return user === undefined ? "a token is issued" : `a token of ${user} is issued`
  switch (status) {
    case 400:
    case 401:
    case 403:
      return isExchange(entry) ? "the credentials or the user's token are refused" : "the credentials are refused"
    case 429:
      return "too many requests"
    default:
      return "no token"
  }
}

const ofApi = ({ clientId, status, token }: Ledger.LedgerEntry): string => {
  if (status !== 401) return ""
  if (token === undefined) return "no bearer"
  return clientId === undefined ? "the token is not valid" : "the token is valid, but is refused anyway"
}

/** What happened to a request, as a text. */
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
