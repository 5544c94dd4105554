import * as Headers from "effect/http/Headers"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import type * as Fault from "../../Fault.ts"

/** Spotnana's error body. */
export const spotnanaError = (
  debugIdentifier: string,
  options: {
    readonly status: number
    readonly errorCode: string
    readonly message: string
    readonly headers?: Headers.Input | undefined
  }
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(
    { debugIdentifier, errorMessages: [{ errorCode: options.errorCode, message: options.message }] },
    { status: options.status, headers: options.headers }
  )

/** The error body of RFC 6749, section 5.2, which unlike Spotnana's must not be cached. */
export const oauth2Error = (
  debugIdentifier: string,
  options: {
    readonly status: number
    readonly error: string
    readonly description: string
    readonly headers?: Headers.Input | undefined
  }
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(
    { error: options.error, error_description: options.description, debugIdentifier },
    { status: options.status, headers: Headers.set(Headers.fromInput(options.headers), "cache-control", "no-store") }
  )

// 0xff and 0xfe occur in no UTF-8 text, and a decoder that lets them pass still finds no JSON.
const garbage = Uint8Array.of(0xff, 0xfe, 0x7b, 0x22, 0xc3, 0x28, 0x00, 0x80)

/** The answer that a fault gives, if it is one that answers. */
export const fromFault = (
  fault: Exclude<Fault.Fault, { readonly _tag: "Hang" | "Drop" }>,
  debugIdentifier: string
): HttpServerResponse.HttpServerResponse => {
  switch (fault._tag) {
    case "Garbage":
      return HttpServerResponse.uint8Array(garbage, { contentType: "application/json" })
    case "RateLimited":
      // Spotnana documents this short form, without `errorMessages`, for this status.
      return HttpServerResponse.jsonUnsafe(
        { debugIdentifier, errorCode: "TOO_MANY_REQUESTS" },
        { status: 429, headers: { "retry-after": fault.retryAfter } }
      )
    case "Status":
      return fromStatus(fault, debugIdentifier)
  }
}

const fromStatus = (
  { body, headers, status }: Extract<Fault.Fault, { readonly _tag: "Status" }>,
  debugIdentifier: string
): HttpServerResponse.HttpServerResponse => {
  const options = { status, headers, contentType: headers["content-type"] ?? "application/json" }
  if (Predicate.isUndefined(body)) {
    return spotnanaError(debugIdentifier, {
      status,
      errorCode: "INJECTED_FAULT",
      message: `A fault with status ${status} was injected`,
      headers
    })
  }
  if (Predicate.isString(body)) return HttpServerResponse.text(body, options)
  if (Predicate.isUint8Array(body)) return HttpServerResponse.uint8Array(body, options)
  if (Stream.isStream(body)) return HttpServerResponse.stream(body as Stream.Stream<Uint8Array, unknown>, options)
  return HttpServerResponse.jsonUnsafe(body, options)
}
