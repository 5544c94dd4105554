import type { Answer } from "@effect-spotnana/engine/mock/Answer"
import * as EngineFault from "@effect-spotnana/engine/mock/Fault"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import type { Fault } from "../Fault.ts"

/** The answer as a server of Effect sends it. */
export const toResponse = ({ body, headers, status }: Answer): HttpServerResponse.HttpServerResponse => {
  const options = { status, headers, contentType: headers["content-type"] }
  if (body === undefined) return HttpServerResponse.empty({ status, headers })
  return Predicate.isString(body)
    ? HttpServerResponse.text(body, options)
    : HttpServerResponse.uint8Array(body, options)
}

/** The answer of a fault, if the fault answers. */
export const fromFault = (
  fault: Exclude<Fault, { readonly _tag: "Hang" | "Drop" }>,
  debugIdentifier: string
): HttpServerResponse.HttpServerResponse => {
  if (fault._tag !== "Status" || !Stream.isStream(fault.body)) {
    return toResponse(EngineFault.answer(fault, debugIdentifier))
  }
  const { headers, status } = fault
  return HttpServerResponse.stream(fault.body as Stream.Stream<Uint8Array, unknown>, {
    status,
    headers,
    contentType: headers["content-type"] ?? "application/json"
  })
}
