import type { Answer } from "@effect-spotnana/engine/mock/Answer"
import * as Mock from "@effect-spotnana/engine/mock/Mock"
import type * as State from "@effect-spotnana/engine/mock/State"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Redacted from "effect/Redacted"
import type { Fault } from "../Fault.ts"
import type { LedgerEntry } from "../Ledger.ts"
import type { Settings } from "../Settings.ts"
import { fromFault, toResponse } from "./answer.ts"
import * as Random from "./random.ts"
import * as Routes from "./routes.ts"

/** The decision about a request. The transport makes a connection hang or drops it. */
export type Decision =
  | { readonly _tag: "Answer"; readonly response: HttpServerResponse.HttpServerResponse }
  | { readonly _tag: "Hang" }
  | { readonly _tag: "Drop" }

export interface Parts {
  readonly mock: State.Mock<Fault>
  readonly settings: Effect.Effect<Settings>
  /** The client for the partner: for its user endpoint and its JWKS. */
  readonly partner: HttpClient.HttpClient
  /** Enters a request in the ledger. */
  readonly enter: (entry: LedgerEntry) => void
}

/** Decides about the current request, enters it in the ledger, and returns once the latency is over. */
export const make = ({ enter, mock, partner, settings }: Parts): Effect.Effect<
  Decision,
  HttpServerError.HttpServerError,
  HttpServerRequest.HttpServerRequest
> => {
  const own = Routes.make(partner, settings)
  return Effect.gen(function*() {
    const request = yield* HttpServerRequest.HttpServerRequest
    const arrival = Mock.arrive(mock, request.url)
    const at = yield* Clock.currentTimeMillis
    const body = new Uint8Array(yield* request.arrayBuffer)
    const { headers, method } = request
    const exchange = Mock.exchange(arrival, { at, body, headers, method, random: yield* Random.digits })
    const { fault } = arrival
    let decision: Decision
    if (fault === undefined) {
      const answer = Mock.answer<Answer | Effect.Effect<Answer>>(mock, exchange, own)
      decision = { _tag: "Answer", response: toResponse(Effect.isEffect(answer) ? yield* answer : answer) }
    } else {
      Mock.identify(mock, exchange)
      decision = decideFault(fault, exchange.debugIdentifier)
    }
    const { body: text, token, ...entry } = Mock.entry(exchange)
    enter({
      ...entry,
      headers,
      body: Redacted.make(text),
      token: token === undefined ? undefined : Redacted.make(token, { label: "mock-token" }),
      status: decision._tag === "Answer" ? decision.response.status : decision._tag === "Hang" ? "hang" : "drop"
    })
    const latency = Mock.latencyOf(arrival.endpoint, yield* settings)
    if (latency !== undefined) yield* Effect.sleep(latency)
    return decision
  })
}

const decideFault = (fault: Fault, debugIdentifier: string): Decision =>
  fault._tag === "Hang" || fault._tag === "Drop"
    ? fault
    : { _tag: "Answer", response: fromFault(fault, debugIdentifier) }
