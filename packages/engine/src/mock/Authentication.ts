/**
 * Whose bearer a request to the mock of Spotnana has.
 *
 * @since 0.1.0
 */
import * as Answer from "./Answer.ts"
import type { Exchange } from "./Exchange.ts"
import type { Registry } from "./Registry.ts"
import { isScim } from "./Target.ts"

/**
 * Answers 401 unless the bearer was issued here, is not revoked and has not expired: a SCIM token for the paths of SCIM, an
 * access token for all others. Records in the exchange whose it is.
 *
 * @category routes
 * @since 0.1.0
 */
export const authenticate = (registry: Registry, exchange: Exchange): Answer.Answer | undefined => {
  const token = /^bearer +(\S+)$/i.exec(exchange.headers["authorization"] ?? "")?.[1]
  if (token !== undefined) {
    exchange.token = token
    const owner = isScim(exchange.path) ? registry.scimOwnerOf(token) : registry.ownerOf(token, exchange.at)
    exchange.clientId = owner?.clientId
    exchange.user = owner?.user
    if (exchange.clientId !== undefined) return undefined
  }
  return Answer.spotnanaError(exchange.debugIdentifier, {
    status: 401,
    errorCode: "USER_NOT_AUTHENTICATED",
    message: token === undefined ? "User is not authenticated" : "Access Token Invalid"
  })
}
