import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import type * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { Fault } from "../Fault.ts"
import type { Endpoint, LedgerEntry } from "../Ledger.ts"
import type { Reference } from "../MockSpotnana.ts"
import type { Settings } from "../Settings.ts"
import { fromFault, spotnanaError } from "./answer.ts"
import * as Api from "./api.ts"
import * as ApiUsers from "./apiUsers.ts"
import { Exchange } from "./exchange.ts"
import type { FaultQueue } from "./faultQueue.ts"
import type { Registry } from "./registry.ts"
import { deprecatedTokenPath, endpointOf, redactQuery, splitUrl, tokenPath } from "./target.ts"
import * as TokenEndpoint from "./tokenEndpoint.ts"

/** What is decided about a request. How a connection hangs or is dropped is for the transport to say. */
export type Decision =
  | { readonly _tag: "Answer"; readonly response: HttpServerResponse.HttpServerResponse }
  | { readonly _tag: "Hang" }
  | { readonly _tag: "Drop" }

export interface Parts {
  readonly registry: Registry
  readonly settings: Effect.Effect<Settings>
  readonly faults: Readonly<Record<Endpoint, FaultQueue>>
  /** Enters a request in the ledger. */
  readonly enter: (entry: LedgerEntry) => void
  readonly companies: ReadonlyArray<Reference>
  readonly users: ReadonlyArray<string>
}

/** Decides about the current request, enters it in the ledger, and returns once the latency is over. */
export const make = (parts: Parts): Effect.Effect<
  Effect.Effect<Decision, HttpServerError.HttpServerError, HttpServerRequest.HttpServerRequest>,
  never,
  Scope.Scope
> =>
  Effect.gen(function*() {
    // By default the router forgives `//v2/companies/`, and with it a client that joins URLs badly.
    const router = HttpRouter.toHttpEffect(routes(parts)).pipe(
      Effect.provideService(HttpRouter.RouterConfig, {
        caseSensitive: true,
        ignoreDuplicateSlashes: false,
        ignoreTrailingSlash: false,
        maxParamLength: 1024
      }),
      // Else the router would be shared with whatever else in the same graph of layers has one.
      Effect.provideServiceEffect(Layer.CurrentMemoMap, Layer.makeMemoMap)
    )
    const routed = (yield* router).pipe(
      Effect.catchReason("HttpServerError", "RouteNotFound", () => notFound)
    )
    let serial = 0
    return Effect.gen(function*() {
      const request = yield* HttpServerRequest.HttpServerRequest
      const { path, query } = splitUrl(request.url)
      const endpoint = endpointOf(path)
      const fault = parts.faults[endpoint].take()
      const at = yield* Clock.currentTimeMillis
      const body = new Uint8Array(yield* request.arrayBuffer)
      const exchange: Exchange["Service"] = {
        debugIdentifier: `mock-debug-${++serial}`,
        at,
        body,
        clientId: undefined,
        token: undefined
      }
      const decision = yield* (fault === undefined
        ? answer(parts, endpoint, routed)
        : Effect.as(identify(parts, endpoint), decideFault(fault, exchange.debugIdentifier))).pipe(
          Effect.provideService(Exchange, exchange)
        )
      parts.enter({
        endpoint,
        method: request.method,
        path,
        query: redactQuery(query),
        headers: request.headers,
        body: Redacted.make(new TextDecoder().decode(body)),
        clientId: exchange.clientId,
        token: exchange.token,
        at,
        status: decision._tag === "Answer" ? decision.response.status : decision._tag === "Hang" ? "hang" : "drop",
        debugIdentifier: exchange.debugIdentifier
      })
      const { apiLatency, tokenLatency } = yield* parts.settings
      if (endpoint !== "other") yield* Effect.sleep(endpoint === "token" ? tokenLatency : apiLatency)
      return decision
    }).pipe(Effect.scoped)
  })

const answer = <E, R>(
  { registry }: Parts,
  endpoint: Endpoint,
  routed: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
): Effect.Effect<Decision, E, R | Exchange | HttpServerRequest.HttpServerRequest> =>
  Effect.gen(function*() {
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    const refused = endpoint === "api" ? yield* Api.authenticate(registry, headers) : Option.none()
    return { _tag: "Answer", response: Option.isSome(refused) ? refused.value : yield* routed }
  })

/** Notes who a request is from that a fault keeps from being looked at. */
const identify = (
  { registry }: Parts,
  endpoint: Endpoint
): Effect.Effect<unknown, never, Exchange | HttpServerRequest.HttpServerRequest> => {
  switch (endpoint) {
    case "token":
      return TokenEndpoint.read
    case "api":
      return Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) => Api.authenticate(registry, headers))
    case "other":
      return Effect.void
  }
}

const decideFault = (fault: Fault, debugIdentifier: string): Decision =>
  fault._tag === "Hang" || fault._tag === "Drop"
    ? fault
    : { _tag: "Answer", response: fromFault(fault, debugIdentifier) }

const routes = (parts: Parts) =>
  Layer.mergeAll(
    only("POST", tokenPath, TokenEndpoint.make(parts.registry, parts.settings)),
    only("POST", deprecatedTokenPath, gone),
    only("GET", "/v2/companies", Api.listCompanies(parts.companies)),
    only("GET", "/v2/users/:userId", Api.getUser(parts.users)),
    only("POST", "/v2/echo", Api.echo),
    route("/v2/api-users", {
      GET: ApiUsers.list(parts.registry),
      POST: ApiUsers.create(parts.registry, Effect.map(parts.settings, (_) => _.apiUserQuota))
    }),
    only("POST", "/v2/api-users/rotate", ApiUsers.rotate(parts.registry)),
    only("POST", "/v2/api-users/revoke", ApiUsers.revoke(parts.registry))
  )

const only = <E, R>(
  method: "GET" | "POST",
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
