import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { Fault } from "../Fault.ts"
import type { Endpoint, LedgerEntry } from "../Ledger.ts"
import type { FaultQueue } from "./data/faultQueue.ts"
import { fromFault } from "./routes/answer.ts"
import { authenticate } from "./routes/authenticate.ts"
import { Exchange } from "./routes/exchange.ts"
import * as Router from "./routes/router.ts"
import { endpointOf, redactQuery, splitUrl } from "./routes/target.ts"
import * as TokenEndpoint from "./routes/tokenEndpoint.ts"

/** What is decided about a request. The transport makes a connection hang or drops it. */
export type Decision =
  | { readonly _tag: "Answer"; readonly response: HttpServerResponse.HttpServerResponse }
  | { readonly _tag: "Hang" }
  | { readonly _tag: "Drop" }

export interface Parts extends Router.Parts {
  readonly faults: Readonly<Record<Endpoint, FaultQueue>>
  /** Enters a request in the ledger. */
  readonly enter: (entry: LedgerEntry) => void
}

/** Decides about the current request, enters it in the ledger, and returns once the latency is over. */
export const make = (parts: Parts): Effect.Effect<
  Effect.Effect<Decision, HttpServerError.HttpServerError, HttpServerRequest.HttpServerRequest>,
  never,
  Scope.Scope
> =>
  Effect.gen(function*() {
    const routed = yield* Router.make(parts)
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
        user: undefined,
        token: undefined
      }
      const decision = yield* (fault === undefined
        ? answer(parts, endpoint, path, routed)
        : Effect.as(identify(parts, endpoint, path), decideFault(fault, exchange.debugIdentifier))).pipe(
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
        user: exchange.user,
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
  path: string,
  routed: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
): Effect.Effect<Decision, E, R | Exchange | HttpServerRequest.HttpServerRequest> =>
  Effect.gen(function*() {
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    const refused = endpoint === "api" ? yield* authenticate(registry, path, headers) : Option.none()
    return { _tag: "Answer", response: Option.isSome(refused) ? refused.value : yield* routed }
  })

/** Records which client sent a request that a fault answers in place of its route. */
const identify = (
  { registry }: Parts,
  endpoint: Endpoint,
  path: string
): Effect.Effect<unknown, never, Exchange | HttpServerRequest.HttpServerRequest> => {
  switch (endpoint) {
    case "token":
      return TokenEndpoint.read
    case "api":
      return Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) => authenticate(registry, path, headers))
    case "other":
      return Effect.void
  }
}

const decideFault = (fault: Fault, debugIdentifier: string): Decision =>
  fault._tag === "Hang" || fault._tag === "Drop"
    ? fault
    : { _tag: "Answer", response: fromFault(fault, debugIdentifier) }
