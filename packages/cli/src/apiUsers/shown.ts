import { Environment } from "@effect-spotnana/core"
import type { ApiUsers, Credentials } from "@effect-spotnana/core"
import * as Redacted from "effect/Redacted"
import { quoted } from "../quoted.ts"

/** What Spotnana shows once: an API user's secret, or its SCIM token. */
export type Shown = Credentials.ClientCredentials | ApiUsers.ScimToken

/** The fields as Spotnana names them. */
export const toJson = (shown: Shown): string =>
  JSON.stringify(
    "scimToken" in shown
      ? { clientId: shown.clientId, scimToken: Redacted.value(shown.scimToken) }
      : { clientId: shown.clientId, clientSecret: Redacted.value(shown.clientSecret) }
  )

/** The variables that lead to an environment: none for production, where commands go by default. */
export const addressOf = ({ baseUrl, name }: Environment.Environment): ReadonlyArray<string> => {
  const named = name === "sandbox" ? Environment.sandbox : Environment.production
  return [
    ...(name === "sandbox" ? [`SPOTNANA_ENVIRONMENT=${quoted(name)}`] : []),
    ...(baseUrl === named.baseUrl ? [] : [`SPOTNANA_BASE_URL=${quoted(baseUrl)}`])
  ]
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
