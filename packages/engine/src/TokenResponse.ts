/**
 * What an answer of the token endpoint means.
 *
 * @since 0.1.0
 */
import * as ErrorBody from "./ErrorBody.ts"
import type { Body, JsonObject } from "./Json.ts"
import { objectOfBody } from "./Json.ts"
import * as RetryAfter from "./RetryAfter.ts"
import { printable } from "./Text.ts"
import type { TokenFailure } from "./TokenFailure.ts"

/**
 * A complete answer of the token endpoint, and what is needed to interpret it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Answer {
  readonly status: number
  /** With names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Body
  /** Translates the object of the body to the fields of RFC 6749 §5.1 and §5.2. Fields that it does not return stay. */
  readonly translate?: ((json: JsonObject) => JsonObject) | undefined
  /** The largest body that is read, in bytes. */
  readonly maxBodySize: number
  /** The token URL as it may be shown. */
  readonly address: string
  readonly clientId: string
  /** The secrets that no message may show. */
  readonly secrets: ReadonlyArray<string>
  /** The lifetime of a token whose answer has no `expires_in`, in milliseconds. */
  readonly defaultLifetime: number
  /** Milliseconds since the Unix epoch, for a delay that is sent as a date. */
  readonly now: number
}

/**
 * An access token.
 *
 * @category models
 * @since 0.1.0
 */
export interface Token {
  readonly _tag: "Token"
  /** The token itself: printable ASCII, which is safe in a header. */
  readonly value: string
  /** How long it lives, counted from its request, in milliseconds: from a second to {@link maximumLifetime}. */
  readonly lifetime: number
  /** The granted scope, if the answer names it. */
  readonly scope: string | undefined
}

/**
 * A token, or why there is none.
 *
 * @category models
 * @since 0.1.0
 */
export type TokenResponse = Token | TokenFailure

/**
 * The longest lifetime that is accepted, in milliseconds: 24 hours.
 *
 * @category constants
 * @since 0.1.0
 */
export const maximumLifetime = 86_400_000

type Meaning = "token" | "refused" | "malformed" | "RateLimited" | "ServerError" | "Intermediary"

// What error codes mean if the status does not decide (RFC 6749 §4.1.2.1 and §5.2, RFC 8628 §3.5, RFC 8707 §2,
// Spotnana). By RFC 6749 §5.2 they come with 400, also those that say to try again later.
const refusal =
  /^(?:invalid_(?:request|client|grant|scope|target)|unauthorized_client|unsupported_grant_type|access_denied)$/i
const rateLimit = /^(?:slow_down|too_many_requests|rate_limit_exceeded)$/i
const outage = /^(?:authorization_pending|server_error|temporarily_unavailable)$/i

// The error bodies of RFC 6749 §5.2 and of Spotnana are JSON objects: any other text is the page of a proxy or a
// firewall. An empty body does not show who sent it. With 401 it counts as the token endpoint's, because a proxy that
// needs its own credentials answers 407. With 400 and 403 it does if there is a challenge, which a server may add to
// any answer to say that other credentials may help (RFC 9110 §11.6.1). Otherwise it does not: load balancers and
// firewalls send empty answers with these two statuses when they block a request, and it would be wrong to report good
// credentials as refused.
const isOfEndpoint = ({ body, headers, status }: Answer, json: JsonObject | undefined): boolean =>
  json !== undefined || body.length === 0 && (status === 401 || headers["www-authenticate"] !== undefined)

const meaningOf = (answer: Answer, json: JsonObject | undefined, code = ""): Meaning => {
  const { status } = answer
  // 5xx and 429 decide alone. For other statuses, a known code outranks the status: some servers refuse with 200.
  if (status === 429) return "RateLimited"
  if (status >= 500 || status === 408 || status === 425) return "ServerError"
  if (refusal.test(code)) return "refused"
  if (rateLimit.test(code)) return "RateLimited"
  if (outage.test(code)) return "ServerError"
  if (status >= 200 && status < 300) return "token"
  if (status !== 400 && status !== 401 && status !== 403) return "malformed"
  return isOfEndpoint(answer, json) ? "refused" : "Intermediary"
}

// A function that was written for answers with a token may throw for others. Those are interpreted as they are.
const objectOf = ({ body, translate }: Answer): JsonObject | undefined => {
  const json = objectOfBody(body)
  if (json === undefined || translate === undefined) return json
  try {
    return { ...json, ...translate(json) }
  } catch {
    return json
  }
}

const describe = ({ body, headers, maxBodySize, secrets }: Answer): string => {
  if (body === "TooLarge") return `with more than ${maxBodySize} bytes`
  if (body.length === 0) return "without a body"
  // A platform that decompresses does not change the header. So the header is used only if the body cannot be read.
  const coding = headers["content-encoding"] ?? "identity"
  const compressed = coding === "identity"
    ? ""
    : ` (compressed with ${printable(coding, secrets)}, which was not asked for)`
  return `with a body that is not a JSON object${compressed}`
}

/**
 * Turns an answer into a token, or into the failure that fits it.
 *
 * **Details**
 *
 * Every answer has a meaning, whatever its status and its bytes. An answer of
 * 400, 401 or 403 is a refusal of the credentials only if the token endpoint sent
 * it: a page of a proxy or a firewall is `TokenEndpointUnavailable` with the
 * reason `Intermediary`. `Retry-After` and similar headers count for each
 * transient failure.
 *
 * @category decoding
 * @since 0.1.0
 */
export const interpret = (answer: Answer): TokenResponse => {
  const { address, clientId, headers, secrets, status } = answer
  const json = objectOf(answer)
  const error = ErrorBody.parse(json ?? {}, secrets)
  const { code, debugIdentifier } = error
  const summary = ErrorBody.summary(error)
  const said = summary === "" ? "" : ` (${summary})`
  const where = `${address} answered ${status}`
  const meaning = meaningOf(answer, json, code)
  const retryAfter = RetryAfter.parse(headers, answer.now, meaning === "RateLimited")

  const malformed = (message: string): TokenFailure => ({
    _tag: "MalformedTokenResponse",
    message: `${message}. Check the token URL, and that no proxy answers in its place.`,
    status,
    retryAfter,
    debugIdentifier
  })

  switch (meaning) {
    case "token": {
      if (json === undefined) return malformed(`${where}, but ${describe(answer)}`)
      const token = parseToken(json, answer.defaultLifetime)
      return typeof token === "string" ? malformed(`${where}, but ${token}`) : token
    }
    case "malformed":
      return malformed(
        status >= 300 && status < 400
          ? `${where}, a redirect, which is never followed with a client secret`
          : `${where}${said}`
      )
    case "refused":
      return {
        _tag: "InvalidCredentials",
        message: `${where} to client ${clientId}${said}. ` +
          "Check the client id, the secret, and that both belong to this address.",
        clientId,
        status,
        code,
        debugIdentifier
      }
    default:
      return {
        _tag: "TokenEndpointUnavailable",
        message: meaning === "Intermediary"
          ? `${where} ${describe(answer)}: probably a proxy or a firewall answered, not the token endpoint. ` +
            "Check that it lets the request through, and if it does, the client id and the secret."
          : `${where}${said}. Try again later.`,
        reason: meaning,
        status,
        retryAfter,
        debugIdentifier
      }
  }
}

// By hand, as the engine has no dependency. Bundled, it takes 0.6 kB (minified, gzip -9). The same with `Schema` of
// effect 4.1 takes 24.5 kB, and 7 ms at every cold start. In a program that already uses `Schema`, for its errors, that
// is 1.5 kB and 1.6 ms.
/**
 * The token in a token response (RFC 6749 §5.1), or what is wrong with it.
 *
 * **Details**
 *
 * - `access_token`: required; printable ASCII without spaces, since it goes into
 *   a header.
 * - `token_type`: `Bearer` in any case. Absent counts as `Bearer`.
 * - `expires_in`: seconds as a number or as text (`3600`, `3600.5`, `"3600"`). If
 *   it is absent or `null`, `defaultLifetime` (milliseconds) is used. More than
 *   24 hours counts as 24 hours. A value below one second, also zero or negative,
 *   is refused, and so is a value that is not a number.
 * - Unknown fields are ignored.
 *
 * @category decoding
 * @since 0.1.0
 */
export const parseToken = (json: JsonObject, defaultLifetime: number): Token | string => {
  const value = json["access_token"]
  if (typeof value !== "string" || value === "") return "it has no access_token"
  if (!/^[\x21-\x7e]+$/.test(value)) return "its access_token has a character that cannot stand in a header"
  const type = json["token_type"] ?? "Bearer"
  if (typeof type !== "string" || type.toLowerCase() !== "bearer") return "its token_type is not Bearer"
  const lifetime = parseLifetime(json["expires_in"], defaultLifetime)
  if (typeof lifetime === "string") return lifetime
  const scope = json["scope"]
  return { _tag: "Token", value, lifetime, scope: typeof scope === "string" ? scope : undefined }
}

const parseLifetime = (expiresIn: unknown, defaultLifetime: number): number | string => {
  if (expiresIn === undefined || expiresIn === null) return defaultLifetime
  const seconds = typeof expiresIn === "string" && expiresIn.trim() !== "" ? Number(expiresIn) : expiresIn
  if (typeof seconds !== "number" || Number.isNaN(seconds)) return "its expires_in is not a number"
  // Renewing a token with a shorter lifetime would cause too many requests.
  if (seconds < 1) return "its expires_in is below one second"
  return Math.min(Math.floor(seconds * 1000), maximumLifetime)
}
