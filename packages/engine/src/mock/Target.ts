/**
 * What a request to the mock of Spotnana is for.
 *
 * @since 0.1.0
 */

/**
 * The part of Spotnana that a request is for.
 *
 * @category models
 * @since 0.1.0
 */
export type Endpoint = "token" | "api" | "other"

/**
 * The path of the token endpoint.
 *
 * @category constants
 * @since 0.1.0
 */
export const tokenPath = "/v2/auth/oauth2-token"

/**
 * The path of the token endpoint that is deprecated.
 *
 * @category constants
 * @since 0.1.0
 */
export const deprecatedTokenPath = "/get-auth-token"

/**
 * The path of the page for an iframe.
 *
 * @category constants
 * @since 0.1.0
 */
export const embedPath = "/embed"

/**
 * Splits a request target at the `?`.
 *
 * @category decoding
 * @since 0.1.0
 */
export const splitUrl = (url: string): { readonly path: string; readonly query: string } => {
  const [target = ""] = url.split("#", 1)
  const mark = target.indexOf("?")
  return mark === -1 ? { path: target, query: "" } : { path: target.slice(0, mark), query: target.slice(mark + 1) }
}

/**
 * Which part of Spotnana a path belongs to.
 *
 * @category decoding
 * @since 0.1.0
 */
export const endpointOf = (path: string): Endpoint =>
  path === tokenPath ? "token" : path === deprecatedTokenPath || path === embedPath ? "other" : "api"

/**
 * Whether a path belongs to the SCIM API, which has its own tokens.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isScim = (path: string): boolean => path.startsWith("/v2/scim/")

const nameOf = (encoded: string): string => {
  try {
    return decodeURIComponent(encoded.replaceAll("+", " "))
  } catch {
    return encoded
  }
}

/**
 * A query without the values of parameters that name a secret or a token, because
 * these do not belong in a URL.
 *
 * @category combinators
 * @since 0.1.0
 */
export const redactQuery = (query: string): string =>
  query.split("&").map((part) => {
    const end = part.indexOf("=")
    return end !== -1 && /secret|token/i.test(nameOf(part.slice(0, end))) ? `${part.slice(0, end + 1)}REDACTED` : part
  }).join("&")
