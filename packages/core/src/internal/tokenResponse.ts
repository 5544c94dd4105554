import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { HttpClientResponse } from "effect/http"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { AccessToken } from "../AccessToken.ts"
import { decode } from "../AccessToken.ts"
import { InvalidCredentials, MalformedTokenResponse, TokenEndpointUnavailable } from "../AuthError.ts"
import type { TokenEndpointError } from "../AuthError.ts"
import type { ClientCredentials } from "../Credentials.ts"
import type { Environment } from "../Environment.ts"
import type { Body } from "./body.ts"
import { jsonObject } from "./body.ts"
import { errorBody } from "./errorBody.ts"
import { retryAfterOf } from "./retryAfter.ts"

/** A whole answer of the token endpoint and what is needed to understand it. */
export interface Answer {
  readonly response: HttpClientResponse.HttpClientResponse
  readonly body: Body
  /** The token URL as it may be shown. */
  readonly address: string
  readonly environment: Environment
  readonly credentials: ClientCredentials
  readonly secrets: ReadonlyArray<string>
  readonly issuedAt: DateTime.Utc
  /** Milliseconds since the epoch, for a `Retry-After` that is a date. */
  readonly now: number
  readonly maxBodySize: number
}

type Verdict = "ok" | "refused" | "malformed" | "RateLimited" | "ServerError"

/** What an error code says where the status leaves it open (RFC 6749 §4.1.2.1 and §5.2, RFC 8707 §2, Spotnana). */
const verdictOfCode: ReadonlyMap<string | undefined, Verdict> = new Map<string, Verdict>([
  ["invalid_request", "refused"],
  ["invalid_client", "refused"],
  ["invalid_grant", "refused"],
  ["unauthorized_client", "refused"],
  ["unsupported_grant_type", "refused"],
  ["invalid_scope", "refused"],
  ["invalid_target", "refused"],
  ["access_denied", "refused"],
  ["TOO_MANY_REQUESTS", "RateLimited"],
  ["server_error", "ServerError"],
  ["temporarily_unavailable", "ServerError"]
])

const verdictOfStatus = (status: number): Verdict => {
  if (status >= 200 && status < 300) return "ok"
  if (status === 400 || status === 401 || status === 403) return "refused"
  if (status === 429) return "RateLimited"
  return status >= 500 || status === 408 || status === 425 ? "ServerError" : "malformed"
}

/** Turns an answer into a token or into the one error that fits it. Pure: no request, no clock. */
export const interpret = (answer: Answer): Effect.Effect<AccessToken, TokenEndpointError> => {
  const { body, credentials, environment, response } = answer
  const status = response.status
  const json = jsonObject(body)
  const { code, debugIdentifier, description } = errorBody(Option.getOrElse(json, () => ({})), answer.secrets)
  const words = [code, description].filter((part) => part !== undefined).join(": ")
  const said = words === "" ? "" : ` (${words})`
  const where = `${answer.address} answered ${status}`

  const byStatus = verdictOfStatus(status)
  // 5xx and 429 speak for themselves. Elsewhere a known code outranks the status: some servers refuse with 200.
  const verdict = byStatus === "ServerError" || byStatus === "RateLimited"
    ? byStatus
    : verdictOfCode.get(code) ?? byStatus

  switch (verdict) {
    case "ok": {
      const malformed = (what: string) =>
        new MalformedTokenResponse({ status, debugIdentifier, message: `${where}, but ${what}. ${checkUrl}` })
      if (body === "TooLarge") return Effect.fail(malformed(`with more than ${answer.maxBodySize} bytes`))
      if (Option.isNone(json)) return Effect.fail(malformed("the body is not a JSON object"))
      return Effect.fromResult(
        Result.mapError(
          decode(json.value, { issuedAt: answer.issuedAt, defaultLifetime: environment.defaultLifetime }),
          malformed
        )
      )
    }
    case "refused":
      return Effect.fail(
        new InvalidCredentials({
          clientId: credentials.clientId,
          status,
          code,
          debugIdentifier,
          message: `${where} to client ${credentials.clientId}${said}. ` +
            "Check the client id, the secret, and that both belong to this address." +
            (Option.isNone(json) ? " The answer is not JSON: a proxy or a firewall may have given it." : "")
        })
      )
    case "malformed":
      return Effect.fail(
        new MalformedTokenResponse({
          status,
          debugIdentifier,
          message: status >= 300 && status < 400
            ? `${where}, a redirect, which is never followed with a client secret. ${checkUrl}`
            : `${where}${said}. ${checkUrl}`
        })
      )
    default:
      return Effect.fail(
        new TokenEndpointUnavailable({
          reason: verdict,
          status,
          debugIdentifier,
          retryAfter: retryAfterOf(response, answer.now),
          message: `${where}${said}. Try again later.`
        })
      )
  }
}

const checkUrl = "Check the token URL, and that no proxy answers in its place."
