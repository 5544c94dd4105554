import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import type * as Scope from "effect/Scope"
import { Output } from "../output.ts"
import { requestLine } from "../requestLine.ts"
import { toResponse } from "./answer.ts"
import type { Answer } from "./answer.ts"
import { forward, isClientGone } from "./forward.ts"
import type { Route } from "./forward.ts"
import { refuse } from "./guard.ts"
import type { Rules } from "./guard.ts"
import { health, isHealthCheck } from "./health.ts"

/** Requests that are being answered. */
export interface Traffic {
  inProgress: number
}

/** What happened to a request, after it has ended. */
interface Outcome {
  status: number | undefined
  /** The reason, if the proxy answered by itself. */
  code: string | undefined
  /** Whether the API's answer broke off. */
  brokeOff: boolean
}

const remarksOf = (
  { brokeOff, code }: Outcome,
  isAnswered: boolean,
  exit: Exit.Exit<unknown, unknown>
): ReadonlyArray<string> => {
  if (code !== undefined) return [code]
  if (brokeOff) return ["the answer broke off"]
  // At its end, the proxy may interrupt a request that is answered already.
  if (isAnswered || Exit.isSuccess(exit)) return []
  const isProxyGone = Cause.hasInterrupts(exit.cause) && !isClientGone(exit.cause)
  return [isProxyGone ? "the proxy ended" : "the client went away"]
}

const responseOf = (result: HttpServerResponse.HttpServerResponse | Answer): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.isHttpServerResponse(result) ? result : toResponse(result)

/** Counts a request, and prints in the end what happened to it. */
const follow = (
  request: HttpServerRequest.HttpServerRequest,
  traffic: Traffic,
  quiet: boolean
): Effect.Effect<Outcome, never, Output | Scope.Scope> =>
  Effect.gen(function*() {
    const output = yield* Output
    const at = yield* DateTime.now
    const start = yield* Clock.monotonicTimeNanos
    const outcome: Outcome = { status: undefined, code: undefined, brokeOff: false }
    traffic.inProgress += 1
    yield* Effect.addFinalizer((exit) =>
      Effect.gen(function*() {
        traffic.inProgress -= 1
        if (quiet) return
        const { method, url } = request
        const isAnswered = NodeHttpServerRequest.toServerResponse(request).writableFinished
        const millis = Math.round(Number((yield* Clock.monotonicTimeNanos) - start) / 1e6)
        const remark = [`${millis} ms`, ...remarksOf(outcome, isAnswered, exit)].join(", ")
        const [path = ""] = url.split("?")
        const status = String(outcome.status ?? "---")
        yield* output.note(requestLine(output.noteStyle, { at, method, path, status, remark }))
      })
    )
    return outcome
  })

/** Answers a request: refuses it, or forwards it. */
export const app = (
  route: Route,
  rules: Rules,
  traffic: Traffic,
  quiet: boolean
): Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  never,
  HttpServerRequest.HttpServerRequest | Output | Scope.Scope
> =>
  Effect.gen(function*() {
    const request = yield* HttpServerRequest.HttpServerRequest
    // Health checks come every few seconds, so they are not printed.
    if (isHealthCheck(request)) return yield* Effect.map(health(route.provider), responseOf)
    const outcome = yield* follow(request, traffic, quiet)
    const brokeOff = Effect.sync(() => {
      outcome.brokeOff = true
    })
    const result = refuse(request, rules) ?? (yield* forward(route, request, brokeOff))
    outcome.status = result.status
    if (!HttpServerResponse.isHttpServerResponse(result)) outcome.code = result.code
    return responseOf(result)
  })
