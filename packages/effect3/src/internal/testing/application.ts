import type { Answer } from "@effect-spotnana/engine/mock/Answer"
import * as EngineFault from "@effect-spotnana/engine/mock/Fault"
import * as Mock from "@effect-spotnana/engine/mock/Mock"
import type * as State from "@effect-spotnana/engine/mock/State"
import * as Headers from "@effect/platform/Headers"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import type { Body, Fault } from "../../testing/Fault.ts"
import type { LedgerEntry } from "../../testing/Ledger.ts"
import type { Settings } from "../../testing/Settings.ts"
import * as Random from "./random.ts"

/** A request as it is received, by any transport. */
export interface Received<E> {
  readonly method: string
  /** The request target, with or without scheme and host. */
  readonly url: string
  readonly headers: Headers.Headers
  readonly body: Effect.Effect<Uint8Array, E>
}

/** The answer that is sent: one of the mock, or one whose body is a stream from a test. */
export type Sent = Omit<Answer, "body"> & {
  readonly body: Answer["body"] | Stream.Stream<Uint8Array, unknown>
}

/** The decision about a request. The transport makes a connection hang or drops it. */
export type Decision =
  | { readonly _tag: "Answer"; readonly answer: Sent }
  | { readonly _tag: "Hang" }
  | { readonly _tag: "Drop" }

export interface Parts {
  readonly mock: State.Mock<Fault>
  readonly settings: () => Settings
  /** Enters a request in the ledger. */
  readonly enter: (entry: LedgerEntry) => Effect.Effect<unknown>
}

/** The headers, with an `Authorization` that can be read by name but is not shown when they are printed. */
const discreet = (headers: Headers.Headers): Headers.Headers => {
  const { authorization } = headers
  const shown = Headers.remove(headers, "authorization")
  return authorization === undefined ? shown : Object.defineProperty(shown, "authorization", { value: authorization })
}

export type Decide = <E>(received: Received<E>) => Effect.Effect<Decision, E>

/** Decides about a request, enters it in the ledger, and returns once the latency is over. */
export const make = ({ enter, mock, settings }: Parts): Decide => (received) =>
  Effect.gen(function*() {
    const arrival = Mock.arrive(mock, received.url)
    const at = yield* Clock.currentTimeMillis
    const body = yield* received.body
    const { headers, method } = received
    const exchange = Mock.exchange(arrival, { at, body, headers, method, random: yield* Random.digits })
    const { fault } = arrival
    let decision: Decision
    if (fault === undefined) {
      decision = { _tag: "Answer", answer: Mock.answer(mock, exchange) }
    } else {
      Mock.identify(mock, exchange)
      decision = decideFault(fault, exchange.debugIdentifier)
    }
    const { body: text, token, ...entry } = Mock.entry(exchange)
    yield* enter({
      ...entry,
      headers: discreet(headers),
      body: Redacted.make(text),
      token: token === undefined ? undefined : Redacted.make(token),
      status: decision._tag === "Answer" ? decision.answer.status : decision._tag === "Hang" ? "hang" : "drop"
    })
    const latency = Mock.latencyOf(arrival.endpoint, settings())
    if (latency !== undefined) yield* Effect.sleep(latency)
    return decision
  })

const isStream = (body: Body | undefined): body is Stream.Stream<Uint8Array, unknown> =>
  typeof body === "object" && Stream.StreamTypeId in body

const decideFault = (fault: Fault, debugIdentifier: string): Decision => {
  if (fault._tag === "Hang" || fault._tag === "Drop") return fault
  if (fault._tag !== "Status" || !isStream(fault.body)) {
    return { _tag: "Answer", answer: EngineFault.answer(fault, debugIdentifier) }
  }
  const { body, headers, status } = fault
  return { _tag: "Answer", answer: { status, headers: { "content-type": "application/json", ...headers }, body } }
}
