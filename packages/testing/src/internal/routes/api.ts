import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Reference } from "../data/reference.ts"
import { spotnanaError } from "./answer.ts"
import { Exchange } from "./exchange.ts"
import { invalidPage, Page } from "./page.ts"

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
