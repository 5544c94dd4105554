import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import type { Settings } from "../../Settings.ts"
import { oauth2Error, spotnanaError } from "./answer.ts"
import { Exchange } from "./exchange.ts"
import * as Subject from "./subject.ts"
import { splitUrl } from "./target.ts"
import * as TokenRequest from "./tokenRequest.ts"

/** Reads the token request, and records in the {@link Exchange} which client sent it. */
export const read: Effect.Effect<
  Result.Result<TokenRequest.TokenRequest, TokenRequest.Malformed>,
  never,
  HttpServerRequest.HttpServerRequest | Exchange
> = Effect.gen(function*() {
  const request = yield* HttpServerRequest.HttpServerRequest
  const exchange = yield* Exchange
  const parsed = TokenRequest.parse({
    headers: request.headers,
    query: splitUrl(request.url).query,
    body: new TextDecoder().decode(exchange.body)
  })
  if (Result.isSuccess(parsed)) exchange.clientId = parsed.success.clientId
  else if (parsed.failure._tag === "OAuth2") exchange.clientId = parsed.failure.clientId
  return parsed
})

/** `POST /v2/auth/oauth2-token` */
export const make = (parts: Subject.Parts, settings: Effect.Effect<Settings>): Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  never,
  HttpServerRequest.HttpServerRequest | Exchange
> =>
  Effect.gen(function*() {
    const exchange = yield* Exchange
    const current = yield* settings
    const { expiresIn, refusal, subjectRefusal, tokenLifetime } = current
    const { registry } = parts
    const parsed = yield* read
    if (Result.isFailure(parsed)) return malformed(parsed.failure, exchange.debugIdentifier)
    const { clientId, clientSecret, scope, subjectToken, via } = parsed.success
    if (!registry.accepts(clientId, clientSecret)) return refused(refusal, via, exchange.debugIdentifier)
    if (subjectToken !== undefined) {
      const subject = yield* Subject.resolve(parts, current, subjectToken)
      if (subject._tag === "Refused") {
        const { description } = subject
        return oauth2Error(exchange.debugIdentifier, { status: 400, error: subjectRefusal, description })
      }
      exchange.user = subject.email
    }
    exchange.token = yield* registry.issue({ clientId, user: exchange.user }, exchange.at, tokenLifetime)
    const forUser = subjectToken === undefined ? undefined : {
      scope: scope ?? "openid",
      refresh_token: Redacted.value(yield* registry.makeRefreshToken)
    }
    return HttpServerResponse.jsonUnsafe(
      {
        access_token: Redacted.value(exchange.token),
        token_type: "Bearer",
        expires_in: announced(expiresIn, tokenLifetime),
        ...forUser
      },
      { headers: { "cache-control": "no-store" } }
    )
  })

// `undefined` leaves the field out of the JSON.
const announced = (expiresIn: Settings["expiresIn"], lifetime: Duration.Duration): Schema.Json | undefined => {
  if (expiresIn === "absent") return undefined
  if (expiresIn !== "lifetime") return expiresIn
  return Duration.isFinite(lifetime) ? Math.floor(Duration.toSeconds(lifetime)) : undefined
}

const malformed = (
  failure: TokenRequest.Malformed,
  debugIdentifier: string
): HttpServerResponse.HttpServerResponse =>
  failure._tag === "MediaType"
    ? spotnanaError(debugIdentifier, {
      status: 415,
      errorCode: "UNSUPPORTED_MEDIA_TYPE",
      message: "The token endpoint takes application/x-www-form-urlencoded"
    })
    : oauth2Error(debugIdentifier, { status: 400, error: failure.error, description: failure.description })

const refused = (
  refusal: Settings["refusal"],
  via: "body" | "basic",
  debugIdentifier: string
): HttpServerResponse.HttpServerResponse => {
  // RFC 6749, section 5.2: a client that authenticated by `Authorization` is told the scheme in a 401.
  const headers = refusal.status === 401 && via === "basic"
    ? { "www-authenticate": "Basic realm=\"spotnana\"" }
    : undefined
  return refusal.body === "oauth2"
    ? oauth2Error(debugIdentifier, {
      status: refusal.status,
      error: "invalid_client",
      description: "Client authentication failed",
      headers
    })
    : spotnanaError(debugIdentifier, {
      status: refusal.status,
      errorCode: "INVALID_CLIENT_CREDENTIALS",
      message: "Client authentication failed",
      headers
    })
}
