import * as Effect from "effect/Effect"
import type * as Headers from "effect/http/Headers"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import type { Reference } from "../MockSpotnana.ts"
import { spotnanaError } from "./answer.ts"
import { Exchange } from "./exchange.ts"
import type { Registry } from "./registry.ts"

/** A number in a query, from 0. */
const count = (maximum: number, otherwise: number) =>
  Schema.String.check(Schema.isPattern(/^\d+$/)).pipe(
    Schema.decodeTo(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum })), SchemaTransformation.numberFromString),
    Schema.withDecodingDefaultKey(Effect.succeed(String(otherwise)))
  )

/** `offset` and `limit`, as every list of Spotnana takes them. */
export const Page = Schema.Struct({ offset: count(0x7fff_ffff, 0), limit: count(100, 100) })

/** The answer to an `offset` or a `limit` that is none. */
export const invalidPage = (debugIdentifier: string): HttpServerResponse.HttpServerResponse =>
  spotnanaError(debugIdentifier, {
    status: 400,
    errorCode: "INVALID_ARGUMENT",
    message: "offset is a whole number from 0, limit one from 0 to 100"
  })

/** `GET /v2/companies?offset&limit` */
export const listCompanies = (companies: ReadonlyArray<Reference>): Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  never,
  Exchange | HttpServerRequest.ParsedSearchParams
> =>
  Effect.gen(function*() {
    const { debugIdentifier } = yield* Exchange
    const page = Schema.decodeUnknownOption(Page)(yield* HttpServerRequest.ParsedSearchParams)
    if (Option.isNone(page)) {
      return invalidPage(debugIdentifier)
    }
    const elements = companies.slice(page.value.offset, page.value.offset + page.value.limit)
    return HttpServerResponse.jsonUnsafe({ length: elements.length, elements, totalNumResults: companies.length })
  })

/** `GET /v2/users/:userId` */
export const getUser = (users: ReadonlyArray<string>): Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  never,
  Exchange | HttpRouter.RouteContext
> =>
  Effect.gen(function*() {
    const { debugIdentifier } = yield* Exchange
    const { userId } = yield* HttpRouter.params
    return userId !== undefined && users.includes(userId)
      ? HttpServerResponse.jsonUnsafe({ id: userId })
      : spotnanaError(debugIdentifier, { status: 404, errorCode: "USER_NOT_FOUND", message: "No such user" })
  })

/** `POST /v2/echo`, which the real Spotnana does not have. */
export const echo: Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  never,
  Exchange | HttpServerRequest.HttpServerRequest
> = Effect.gen(function*() {
  const { body } = yield* Exchange
  const { headers } = yield* HttpServerRequest.HttpServerRequest
  return HttpServerResponse.uint8Array(body, { contentType: headers["content-type"] })
})

/** Answers 401 unless the bearer is one that was issued, is not revoked and has not expired. */
export const authenticate = Effect.fnUntraced(function*(
  registry: Registry,
  headers: Headers.Headers
): Effect.fn.Return<Option.Option<HttpServerResponse.HttpServerResponse>, never, Exchange> {
  const exchange = yield* Exchange
  const token = /^bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1]
  if (token !== undefined) {
    exchange.token = Redacted.make(token)
    exchange.clientId = registry.ownerOf(token, exchange.at)
    if (exchange.clientId !== undefined) return Option.none()
  }
  return Option.some(spotnanaError(exchange.debugIdentifier, {
    status: 401,
    errorCode: "USER_NOT_AUTHENTICATED",
    message: token === undefined ? "User is not authenticated" : "Access Token Invalid"
  }))
})
