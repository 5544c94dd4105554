import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import type * as HttpServerError from "effect/http/HttpServerError"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Settings } from "../../Settings.ts"
import type { Reference } from "../data/reference.ts"
import { spotnanaError } from "./answer.ts"
import * as Api from "./api.ts"
import * as ApiUsers from "./apiUsers.ts"
import * as EmbedPage from "./embedPage.ts"
import { Exchange } from "./exchange.ts"
import * as PartnerKeys from "./partnerKeys.ts"
import * as Scim from "./scim.ts"
import type * as Subject from "./subject.ts"
import { deprecatedTokenPath, embedPath, tokenPath } from "./target.ts"
import * as TokenEndpoint from "./tokenEndpoint.ts"

export interface Parts extends Subject.Parts {
  readonly settings: Effect.Effect<Settings>
  readonly companies: ReadonlyArray<Reference>
  readonly users: ReadonlyArray<string>
}

/** Answers the current request by its path and method: 404 and 405 where there is no route. */
export const make = Effect.fnUntraced(function*(
  parts: Parts
): Effect.fn.Return<
  Effect.Effect<
    HttpServerResponse.HttpServerResponse,
    HttpServerError.HttpServerError,
    Exchange | HttpServerRequest.HttpServerRequest | Scope.Scope
  >,
  never,
  Scope.Scope
> {
  // By default the router accepts `//v2/companies/` too, which would hide a client that joins URLs wrongly.
  const router = yield* HttpRouter.toHttpEffect(routes(parts)).pipe(
    Effect.provideService(HttpRouter.RouterConfig, {
      caseSensitive: true,
      ignoreDuplicateSlashes: false,
      ignoreTrailingSlash: false,
      maxParamLength: 1024
    }),
    // Otherwise the router would be shared with every other router in the same graph of layers.
    Effect.provideServiceEffect(Layer.CurrentMemoMap, Layer.makeMemoMap)
  )
  return Effect.catchReason(router, "HttpServerError", "RouteNotFound", () => notFound)
})

const routes = (parts: Parts) =>
  Layer.mergeAll(
    only("POST", tokenPath, TokenEndpoint.make(parts, parts.settings)),
    only("POST", deprecatedTokenPath, gone),
    only("GET", embedPath, EmbedPage.show(parts.settings)),
    only("GET", "/v2/companies", Api.listCompanies(parts.companies)),
    only("GET", "/v2/users/:userId", Api.getUser(parts.users)),
    only("GET", "/v2/scim/Users", Effect.sync(() => Scim.listUsers(parts.users))),
    only("POST", "/v2/echo", Api.echo),
    route("/v2/api-users", {
      GET: ApiUsers.list(parts.registry),
      POST: ApiUsers.create(parts.registry, Effect.map(parts.settings, (_) => _.apiUserQuota))
    }),
    only("POST", "/v2/api-users/rotate", ApiUsers.rotate(parts.registry)),
    only("POST", "/v2/api-users/revoke", ApiUsers.revoke(parts.registry)),
    route("/v2/companies/:companyId/partner-public-keys", {
      GET: PartnerKeys.list(parts.partnerKeys),
      POST: PartnerKeys.add(parts.partnerKeys)
    }),
    only("DELETE", "/v2/companies/:companyId/partner-public-keys/:kid", PartnerKeys.revoke(parts.partnerKeys))
  )

const only = <E, R>(
  method: "GET" | "POST" | "DELETE",
  path: `/${string}`,
  handler: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
) => route(path, { [method]: handler })

const route = <E, R>(
  path: `/${string}`,
  handlers: { readonly [method in string]?: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R> }
) =>
  HttpRouter.add(
    "*",
    path,
    ({ method }): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | Exchange> =>
      handlers[method] ?? methodNotAllowed(Object.keys(handlers).join(", "))
  )

const methodNotAllowed = (allowed: string) =>
  Effect.map(Exchange, ({ debugIdentifier }) =>
    spotnanaError(debugIdentifier, {
      status: 405,
      errorCode: "METHOD_NOT_ALLOWED",
      message: `This path allows ${allowed}`,
      headers: { allow: allowed }
    }))

const notFound = Effect.map(
  Exchange,
  ({ debugIdentifier }) =>
    spotnanaError(debugIdentifier, { status: 404, errorCode: "NOT_FOUND", message: "No such path" })
)

const gone = Effect.map(Exchange, ({ debugIdentifier }) =>
  spotnanaError(debugIdentifier, {
    status: 410,
    errorCode: "ENDPOINT_DEPRECATED",
    message: `This endpoint is deprecated: obtain a new client id and secret and use ${tokenPath}`
  }))
