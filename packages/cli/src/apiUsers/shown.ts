import type { ApiUsers, Credentials } from "@effect-spotnana/core"
import * as Redacted from "effect/Redacted"

/** What Spotnana shows once: an API user's secret, or its SCIM token. */
export type Shown = Credentials.ClientCredentials | ApiUsers.ScimToken

/** The fields as Spotnana names them. */
export const toJson = (shown: Shown): string =>
  JSON.stringify(
    "scimToken" in shown
      ? { clientId: shown.clientId, scimToken: Redacted.value(shown.scimToken) }
      : { clientId: shown.clientId, clientSecret: Redacted.value(shown.clientSecret) }
  )

/**
 * Uses the kind of quotes that the value does not contain. It contains no line break either, because the core refuses
 * that.
 */
export const quoted = (value: string): string => {
  const quote = ["'", "\"", "`"].find((quote) => !value.includes(quote)) ?? "'"
  return quote + value + quote
}

/** Lines `NAME=value`, which `--credentials-file` takes. */
export const toVariables = (shown: Shown): string =>
  ("scimToken" in shown
    ? [
      `# The SCIM API user ${shown.clientId}`,
      `SPOTNANA_SCIM_TOKEN=${quoted(Redacted.value(shown.scimToken))}`
    ]
    : [
      `SPOTNANA_CLIENT_ID=${quoted(shown.clientId)}`,
      `SPOTNANA_CLIENT_SECRET=${quoted(Redacted.value(shown.clientSecret))}`
    ]).join("\n")
