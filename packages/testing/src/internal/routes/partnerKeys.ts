import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { PartnerKeys } from "../data/partnerKeys.ts"
import { spotnanaError } from "./answer.ts"
import { Exchange } from "./exchange.ts"

type Handler<R = never> = Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  never,
  Exchange | HttpRouter.RouteContext | R
>

const minModulusBytes = 256

const isModulus = (n: string): boolean =>
  Result.match(Base64Url.decode(n), {
    onFailure: () => false,
    onSuccess: (bytes) => bytes.length >= minModulusBytes && bytes[0] !== 0
  })

const Base64UrlText = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]+$/))

const Jwk = Schema.Struct({
  kty: Schema.Literal("RSA"),
  use: Schema.Literal("sig"),
  alg: Schema.Literal("RS256"),
  kid: Schema.NonEmptyString,
  n: Base64UrlText.check(Schema.makeFilter(isModulus)),
  e: Base64UrlText
})

// Strict on purpose: a private member that is sent along must show.
const decodeAdd = Schema.decodeUnknownOption(
  Schema.fromJsonString(
    Schema.Struct({ keyType: Schema.Literal("JWKS"), jwks: Schema.Struct({ keys: Schema.Tuple([Jwk]) }) })
  ),
  { onExcessProperty: "error" }
)

const Status = Schema.Struct({ status: Schema.optional(Schema.Literals(["ACTIVE", "REVOKED"])) })

const companyIds = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** `POST /v2/companies/:companyId/partner-public-keys` */
export const add = (partnerKeys: PartnerKeys): Handler =>
  ofCompany((companyId) =>
    Effect.gen(function*() {
      const { at, body } = yield* Exchange
      const request = decodeAdd(new TextDecoder().decode(body))
      if (Option.isNone(request)) {
        return yield* invalid(
          "The body is JSON with the keyType JWKS and exactly one key: kty RSA, use sig, alg RS256, kid, n of 2048 bits or " +
            "more, e, and no other member"
        )
      }
      const info = yield* partnerKeys.add(companyId, request.value.jwks.keys[0], at)
      return info === undefined
        ? yield* invalid("There is or was a key of this kid")
        : HttpServerResponse.jsonUnsafe({ keys: [info] }, { status: 201 })
    })
  )

/** `GET /v2/companies/:companyId/partner-public-keys?status` */
export const list = (partnerKeys: PartnerKeys): Handler<HttpServerRequest.ParsedSearchParams> =>
  ofCompany((companyId) =>
    Effect.gen(function*() {
      const query = Schema.decodeUnknownOption(Status)(yield* HttpServerRequest.ParsedSearchParams)
      return Option.isNone(query)
        ? yield* invalid("status is ACTIVE or REVOKED")
        : HttpServerResponse.jsonUnsafe({ keys: partnerKeys.list(companyId, query.value.status ?? "ACTIVE") })
    })
  )

/** `DELETE /v2/companies/:companyId/partner-public-keys/:kid` */
export const revoke = (partnerKeys: PartnerKeys): Handler =>
  ofCompany((companyId) =>
    Effect.gen(function*() {
      const { debugIdentifier } = yield* Exchange
      const { kid = "" } = yield* HttpRouter.params
      return partnerKeys.revoke(companyId, kid)
        ? HttpServerResponse.empty({ status: 204 })
        : spotnanaError(debugIdentifier, {
          status: 404,
          errorCode: "PARTNER_KEY_NOT_FOUND",
          message: "No such partner key"
        })
    })
  )

const ofCompany = <R>(handler: (companyId: string) => Handler<R>): Handler<R> =>
  Effect.flatMap(
    HttpRouter.params,
    ({ companyId = "" }): Handler<R> => companyIds.test(companyId) ? handler(companyId) : invalid("companyId is a UUID")
  )

const invalid = (message: string) =>
  Effect.map(
    Exchange,
    ({ debugIdentifier }) => spotnanaError(debugIdentifier, { status: 400, errorCode: "INVALID_ARGUMENT", message })
  )
