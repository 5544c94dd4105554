// What Spotnana saw, as the mock has written it down.
import type { Ledger } from "@effect-spotnana/testing"
import { Effect, Equal } from "effect"
import type { Redacted } from "effect"
import * as Screen from "./screen.ts"

type Entries = ReadonlyArray<Ledger.LedgerEntry>

/** Names tokens without showing them: A is the first that was issued. */
export const nameTokens = (ledger: Entries) => {
  const issued = ledger.filter(({ endpoint, status }) => endpoint === "token" && status === 200)
  return (token: Redacted.Redacted | undefined): string => {
    const index = issued.findIndex((entry) => Equal.equals(entry.token, token))
    return index < 0 ? "?" : String.fromCharCode(65 + index)
  }
}

/** Prints the latest requests, one a line. Tokens have the names that they have in the whole ledger. */
export const print = (ledger: Entries, from = 0): Effect.Effect<void> => {
  const name = nameTokens(ledger)
  return Effect.forEach(ledger.slice(from), ({ endpoint, method, path, status, token }) =>
    Screen.line(
      [
        method.padEnd(4),
        path.padEnd(21),
        status,
        endpoint === "token" ? `issues token ${name(token)}` : `with token ${name(token)}`
      ].join("  ")
    ), { discard: true })
}

export const ofApi = (ledger: Entries): Entries => ledger.filter(({ endpoint }) => endpoint === "api")

export const ofTokenEndpoint = (ledger: Entries): Entries => ledger.filter(({ endpoint }) => endpoint === "token")

export const withStatus = (ledger: Entries, status: number): Entries =>
  ledger.filter((entry) => entry.status === status)
