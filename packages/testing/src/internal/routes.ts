import type { Answer } from "@effect-spotnana/engine/mock/Answer"
import * as PartnerKeyRoutes from "@effect-spotnana/engine/mock/PartnerKeyRoutes"
import * as PartnerKeys from "@effect-spotnana/engine/mock/PartnerKeys"
import type { Handler, Route } from "@effect-spotnana/engine/mock/Routes"
import { tokenPath } from "@effect-spotnana/engine/mock/Target"
import * as TokenEndpoint from "@effect-spotnana/engine/mock/TokenEndpoint"
import * as Digest from "effect/crypto/Digest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import type * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import type { Settings } from "../Settings.ts"
import * as Subject from "./subject.ts"

/** The routes that need more than the state of the mock: cryptography, or the partner. */
export const make = (
  partner: HttpClient.HttpClient,
  settings: Effect.Effect<Settings>
): ReadonlyArray<Route<Answer | Effect.Effect<Answer>>> => [
  [tokenPath, { POST: tokenEndpoint(partner, settings) }],
  ["/v2/companies/:companyId/partner-public-keys", { GET: PartnerKeyRoutes.list, POST: registerKey }],
  ["/v2/companies/:companyId/partner-public-keys/:kid", { DELETE: PartnerKeyRoutes.revoke }]
]

/** The token endpoint, which finds out to which user a subject token belongs. */
const tokenEndpoint = (
  partner: HttpClient.HttpClient,
  settings: Effect.Effect<Settings>
): Handler<Answer | Effect.Effect<Answer>> =>
(state, exchange) => {
  const request = TokenEndpoint.authenticated(state, exchange)
  if (!("_tag" in request)) return request
  if (request.subjectToken === undefined) return TokenEndpoint.issue(state, exchange, request)
  const subjectToken = Redacted.make(request.subjectToken)
  return settings.pipe(
    Effect.flatMap((current) => Subject.resolve({ partner, state }, current, subjectToken)),
    Effect.map((subject) => TokenEndpoint.issue(state, exchange, request, subject))
  )
}

const registerKey: Handler<Answer | Effect.Effect<Answer>> = (state, exchange, params) => {
  const jwk = PartnerKeyRoutes.keyToRegister(exchange, params)
  if (!("kty" in jwk)) return jwk
  const createdAt = DateTime.formatIso(DateTime.makeUnsafe(exchange.at))
  return Effect.map(
    thumbprint(jwk),
    (thumbprint) => PartnerKeyRoutes.register(jwk, { createdAt, thumbprint })(state, exchange, params)
  )
}

const thumbprint = (jwk: PartnerKeys.PartnerJwk): Effect.Effect<string> =>
  Digest.Digest.use(({ digest }) => digest(Digest.sha256, new TextEncoder().encode(PartnerKeys.thumbprintInput(jwk))))
    .pipe(Effect.map(Base64Url.encode), Effect.provide(Digest.layerWebCrypto))
