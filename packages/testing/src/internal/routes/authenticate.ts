import * as Effect from "effect/Effect"
import type * as Headers from "effect/http/Headers"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { Registry } from "../data/registry.ts"
import { spotnanaError } from "./answer.ts"
import { Exchange } from "./exchange.ts"
import { isScim } from "./target.ts"

/**
 * Answers 401 unless the bearer was issued here, is not revoked and has not expired: a SCIM token for the paths of SCIM, an
 * access token for all others.
 */
export const authenticate = Effect.fnUntraced(function*(
  registry: Registry,
  path: string,
  headers: Headers.Headers
): Effect.fn.Return<Option.Option<HttpServerResponse.HttpServerResponse>, never, Exchange> {
  const exchange = yield* Exchange
  const token = /^bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1]
  if (token !== undefined) {
    exchange.token = Redacted.make(token)
    const owner = isScim(path) ? registry.scimOwnerOf(token) : registry.ownerOf(token, exchange.at)
    exchange.clientId = owner?.clientId
    exchange.user = owner?.user
    if (exchange.clientId !== undefined) return Option.none()
  }
  return Option.some(spotnanaError(exchange.debugIdentifier, {
    status: 401,
    errorCode: "USER_NOT_AUTHENTICATED",
    message: token === undefined ? "User is not authenticated" : "Access Token Invalid"
  }))
})
