import * as UrlParams from "effect/http/UrlParams"
import type { Endpoint } from "../../Ledger.ts"

export const tokenPath = "/v2/auth/oauth2-token"
export const deprecatedTokenPath = "/get-auth-token"
export const embedPath = "/embed"

/** Splits a request target at the `?`. */
export const splitUrl = (url: string): { readonly path: string; readonly query: string } => {
  const [target = ""] = url.split("#", 1)
  const mark = target.indexOf("?")
  return mark === -1 ? { path: target, query: "" } : { path: target.slice(0, mark), query: target.slice(mark + 1) }
}

/** Which part of Spotnana a path belongs to. */
export const endpointOf = (path: string): Endpoint =>
  path === tokenPath ? "token" : path === deprecatedTokenPath || path === embedPath ? "other" : "api"

/** Whether a path is of the SCIM API, which has tokens of its own. */
export const isScim = (path: string): boolean => path.startsWith("/v2/scim/")

/** A query without the values of parameters that name a secret or a token: they do not belong in a URL. */
export const redactQuery = (query: string): string => UrlParams.redactUrl(`?${query}`, [/secret|token/i]).slice(1)
