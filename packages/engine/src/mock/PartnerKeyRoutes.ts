/**
 * The routes of the mock of Spotnana for the public keys of partners.
 *
 * @since 0.1.0
 */
import { isObject, objectOfText } from "../Json.ts"
import * as Answer from "./Answer.ts"
import type { Exchange } from "./Exchange.ts"
import type { Info, PartnerJwk } from "./PartnerKeys.ts"
import { searchParams, textOf } from "./platform.ts"
import type { Handler, Params } from "./Routes.ts"

const companyIds = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

const invalid = ({ debugIdentifier }: Exchange, message: string): Answer.Answer =>
  Answer.spotnanaError(debugIdentifier, { status: 400, errorCode: "INVALID_ARGUMENT", message })

const ofCompany = (
  handler: (companyId: string, ...request: Parameters<Handler>) => Answer.Answer
): Handler =>
(state, exchange, params) => {
  const { companyId = "" } = params
  return companyIds.test(companyId)
    ? handler(companyId, state, exchange, params)
    : invalid(exchange, "companyId is a UUID")
}

const base64Url = /^[A-Za-z0-9_-]+$/
const minModulusCharacters = Math.ceil(256 * 8 / 6)

/** Whether it is the modulus of a key of 2048 bits or more, without leading zeros. */
const isModulus = (n: string): boolean =>
  base64Url.test(n) && n.length >= minModulusCharacters && n.length % 4 !== 1 && !/^A[A-P]/.test(n)

const names = (value: object): string => Object.keys(value).toSorted().join()

/** The key in a body. Strict on purpose: a client that also sends a private member must be noticed. */
const jwkOf = (text: string): PartnerJwk | undefined => {
  const body = objectOfText(text)
  if (body === undefined || names(body) !== "jwks,keyType" || body["keyType"] !== "JWKS") return undefined
  const { jwks } = body
  if (!isObject(jwks) || names(jwks) !== "keys" || !Array.isArray(jwks["keys"]) || jwks["keys"].length !== 1) {
    return undefined
  }
  const jwk: unknown = jwks["keys"][0]
  if (!isObject(jwk) || names(jwk) !== "alg,e,kid,kty,n,use") return undefined
  const { alg, e, kid, kty, n, use } = jwk
  const isSound = kty === "RSA" && use === "sig" && alg === "RS256" && typeof kid === "string" && kid !== "" &&
    typeof n === "string" && isModulus(n) && typeof e === "string" && base64Url.test(e)
  return isSound ? { kty, use, alg, kid, n, e } : undefined
}

/**
 * The key that `POST /v2/companies/:companyId/partner-public-keys` is to register, or the answer that says why not.
 *
 * @category decoding
 * @since 0.1.0
 */
export const keyToRegister = (exchange: Exchange, { companyId = "" }: Params): PartnerJwk | Answer.Answer => {
  if (!companyIds.test(companyId)) return invalid(exchange, "companyId is a UUID")
  return jwkOf(textOf(exchange.body)) ?? invalid(
    exchange,
    "The body is JSON with the keyType JWKS and exactly one key: kty RSA, use sig, alg RS256, kid, n of 2048 bits or " +
      "more, e, and no other member"
  )
}

/**
 * `POST /v2/companies/:companyId/partner-public-keys`, once the thumbprint of the key is known.
 *
 * @category routes
 * @since 0.1.0
 */
export const register = (
  jwk: PartnerJwk,
  of: Pick<Info, "createdAt" | "thumbprint">
): Handler =>
  ofCompany((companyId, { partnerKeys }, exchange) => {
    const info = partnerKeys.add(companyId, jwk, of)
    return info === undefined
      ? invalid(exchange, "There is or was a key of this kid")
      : Answer.json({ keys: [info] }, { status: 201 })
  })

/**
 * `GET /v2/companies/:companyId/partner-public-keys?status`
 *
 * @category routes
 * @since 0.1.0
 */
export const list: Handler = ofCompany((companyId, { partnerKeys }, exchange) => {
  const [status = "ACTIVE", ...more] = searchParams(exchange.query).getAll("status")
  return status !== "ACTIVE" && status !== "REVOKED" || more.length > 0
    ? invalid(exchange, "status is ACTIVE or REVOKED")
    : Answer.json({ keys: partnerKeys.list(companyId, status) })
})

/**
 * `DELETE /v2/companies/:companyId/partner-public-keys/:kid`
 *
 * @category routes
 * @since 0.1.0
 */
export const revoke: Handler = ofCompany((companyId, { partnerKeys }, { debugIdentifier }, { kid = "" }) =>
  partnerKeys.revoke(companyId, kid)
    ? Answer.empty(204)
    : Answer.spotnanaError(debugIdentifier, {
      status: 404,
      errorCode: "PARTNER_KEY_NOT_FOUND",
      message: "No such partner key"
    })
)
