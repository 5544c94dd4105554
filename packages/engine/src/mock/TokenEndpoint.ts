/**
 * The token endpoint of the mock of Spotnana.
 *
 * @since 0.1.0
 */
import * as Answer from "./Answer.ts"
import type { Exchange } from "./Exchange.ts"
import { textOf } from "./platform.ts"
import type { Registry } from "./Registry.ts"
import type { Handler } from "./Routes.ts"
import * as Settings from "./Settings.ts"
import type { State } from "./State.ts"
import * as TokenRequest from "./TokenRequest.ts"

/**
 * The user of a subject token, or what is wrong with the token. It does not
 * contain the token.
 *
 * @category models
 * @since 0.1.0
 */
export type Subject =
  | { readonly _tag: "User"; readonly email: string }
  | { readonly _tag: "Refused"; readonly description: string }

/**
 * Reads the token request, and records in the exchange which client sent it.
 *
 * @category decoding
 * @since 0.1.0
 */
export const read = (exchange: Exchange): TokenRequest.TokenRequest | TokenRequest.Malformed => {
  const { body, headers, query } = exchange
  const parsed = TokenRequest.parse({ headers, query, body: textOf(body) })
  if (parsed._tag !== "MediaType") exchange.clientId = parsed.clientId
  return parsed
}

const malformed = (failure: TokenRequest.Malformed, debugIdentifier: string): Answer.Answer =>
  failure._tag === "MediaType"
    ? Answer.spotnanaError(debugIdentifier, {
      status: 415,
      errorCode: "UNSUPPORTED_MEDIA_TYPE",
      message: "The token endpoint takes application/x-www-form-urlencoded"
    })
    : Answer.oauth2Error(debugIdentifier, { status: 400, error: failure.error, description: failure.description })

const refused = (
  { body, status }: Settings.Settings["refusal"],
  via: "body" | "basic",
  debugIdentifier: string
): Answer.Answer => {
  const description = "Client authentication failed"
  // RFC 6749, section 5.2: a client that authenticated with `Authorization` gets the scheme in a 401.
  const headers = status === 401 && via === "basic" ? { "www-authenticate": "Basic realm=\"spotnana\"" } : undefined
  return body === "oauth2"
    ? Answer.oauth2Error(debugIdentifier, { status, error: "invalid_client", description, headers })
    : Answer.spotnanaError(debugIdentifier, {
      status,
      errorCode: "INVALID_CLIENT_CREDENTIALS",
      message: description,
      headers
    })
}

/**
 * The token request of a client that presents its credentials; otherwise the answer that refuses it.
 *
 * @category decoding
 * @since 0.1.0
 */
export const authenticated = (
  { registry, settings }: State,
  exchange: Exchange
): TokenRequest.TokenRequest | Answer.Answer => {
  const request = read(exchange)
  if (request._tag !== "TokenRequest") return malformed(request, exchange.debugIdentifier)
  const { clientId, clientSecret, via } = request
  return registry.accepts(clientId, clientSecret)
    ? request
    : refused(settings().refusal, via, exchange.debugIdentifier)
}

/**
 * The user of a subject token that a test added; undefined for every other token.
 *
 * @category decoding
 * @since 0.1.0
 */
export const knownSubject = (registry: Registry, subjectToken: string): Subject | undefined => {
  const email = registry.userOf(subjectToken)
  return email === undefined ? undefined : { _tag: "User", email }
}

/**
 * Issues a token for an authenticated client, and for the user if there is a
 * subject. For a user who was removed, it issues none.
 *
 * @category routes
 * @since 0.1.0
 */
export const issue = (
  { registry, settings }: State,
  exchange: Exchange,
  { clientId, scope }: Pick<TokenRequest.TokenRequest, "clientId" | "scope">,
  subject?: Subject | undefined
): Answer.Answer => {
  const { debugIdentifier, random } = exchange
  const current = settings()
  const refuse = (description: string) =>
    Answer.oauth2Error(debugIdentifier, { status: 400, error: current.subjectRefusal, description })
  if (subject?._tag === "Refused") return refuse(subject.description)
  if (subject !== undefined && registry.isRemoved(subject.email)) {
    return refuse("The user of the subject token was removed")
  }
  exchange.user = subject?.email
  exchange.token = registry.issue({ clientId, user: exchange.user }, exchange.at + current.tokenLifetime, random)
  return Answer.secret({
    access_token: exchange.token,
    token_type: "Bearer",
    expires_in: Settings.announced(current),
    ...(subject !== undefined && { scope: scope ?? "openid", refresh_token: registry.makeRefreshToken(random) })
  })
}

/**
 * `POST /v2/auth/oauth2-token`, for subject tokens that a test added.
 *
 * @category routes
 * @since 0.1.0
 */
export const answer: Handler = (state, exchange) => {
  const request = authenticated(state, exchange)
  if (!("_tag" in request)) return request
  const { subjectToken } = request
  if (subjectToken === undefined) return issue(state, exchange, request)
  const subject = knownSubject(state.registry, subjectToken)
  return issue(state, exchange, request, subject ?? { _tag: "Refused", description: "The subject token is invalid" })
}
