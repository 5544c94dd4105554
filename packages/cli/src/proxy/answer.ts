import { AuthError } from "@effect-spotnana/core"
import * as Duration from "effect/Duration"
import { Headers, HttpServerResponse } from "effect/http"
import type { HttpClientError } from "effect/http"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { rootOf } from "../exitCode.ts"
import type { Stage } from "./progress.ts"

/** An answer of the proxy itself. */
export interface Answer {
  readonly status: number
  readonly code: string
  /** What happened, and what to do. */
  readonly message: string
  /** The type of the error in RFC 9209 §2.3. */
  readonly kind: string
  readonly retryAfter?: Duration.Duration | undefined
  readonly debugIdentifier?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/**
 * The answer as a response. The body has the format of Spotnana's errors, so programs that read those show this message
 * too. The header distinguishes the two (RFC 9209).
 */
export const toResponse = (answer: Answer): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(
    {
      ...(answer.debugIdentifier !== undefined && { debugIdentifier: answer.debugIdentifier }),
      errorMessages: [{ errorCode: answer.code, message: answer.message }]
    },
    {
      status: answer.status,
      headers: {
        "proxy-status": `spotnana-auth; error=${answer.kind}`,
        "cache-control": "no-store",
        ...(answer.retryAfter &&
          { "retry-after": Headers.formatRetryAfter(Headers.retryAfterDuration(answer.retryAfter)) }),
        ...answer.headers
      }
    }
  )

/** There is no token, or the API accepts none. A transient error is 503, an error that a person must correct is 502. */
export const fromAuthError = (error: AuthError.AuthError): Answer => {
  const { debugIdentifier, message } = error
  const common = { message, debugIdentifier, retryAfter: Option.getOrUndefined(AuthError.retryAfter(error)) }
  switch (error._tag) {
    case "InvalidCredentials":
      return { ...common, status: 502, code: "INVALID_CREDENTIALS", kind: "proxy_configuration_error" }
    case "TokenExpired":
      return error.reason === "Rejected"
        ? { ...common, status: 502, code: "TOKEN_REJECTED", kind: "proxy_configuration_error" }
        // The API may accept the request with the next token.
        : { ...common, status: 503, code: "TOKEN_REPLACED", kind: "proxy_internal_response", retryAfter: Duration.zero }
    case "TokenEndpointUnavailable":
      return { ...common, status: 503, code: "TOKEN_ENDPOINT_UNAVAILABLE", kind: "destination_unavailable" }
    case "MalformedTokenResponse":
      return { ...common, status: 502, code: "MALFORMED_TOKEN_RESPONSE", kind: "http_protocol_error" }
  }
}

const kinds: Readonly<Record<string, string>> = {
  ENOTFOUND: "dns_error",
  EAI_AGAIN: "dns_error",
  ECONNREFUSED: "connection_refused",
  ECONNRESET: "connection_terminated",
  EPIPE: "connection_terminated",
  ETIMEDOUT: "connection_timeout"
}

/** The error of the system, anywhere among the causes. */
const systemError = (error: unknown): { readonly code?: unknown; readonly syscall?: unknown } => {
  if (!Predicate.isObject(error)) return {}
  const { cause, code } = error as { readonly cause?: unknown; readonly code?: unknown }
  return Predicate.isString(code) && code in kinds ? error : systemError(cause)
}

const nothingSent = "Nothing was sent."
const notKnown = "It may have handled the request."

/** The API cannot be reached, or closed the connection before it answered. */
export const fromHttpClientError = (error: HttpClientError.HttpClientError, origin: string): Answer => {
  if (error.reason._tag === "InvalidUrlError") return badRequest("The target of the request is no URL.")
  const { code, syscall } = systemError(error)
  const isConnected = syscall !== "connect" && syscall !== "getaddrinfo"
  return {
    status: 502,
    code: "API_UNREACHABLE",
    message: `${origin} gave no answer: ${rootOf(error)}. ${
      isConnected ? notKnown : nothingSent
    } Check the network, and SPOTNANA_BASE_URL.`,
    kind: kinds[String(code)] ?? "destination_unavailable"
  }
}

/** The client can send the request again, because the API has done nothing. */
const unavailable = (code: string, message: string, kind: string): Answer => ({
  status: 503,
  code,
  message,
  kind,
  retryAfter: Duration.seconds(5)
})

/** The answer to a request that takes too long. */
export const timedOut = (stage: Stage, origin: string, timeout: Duration.Duration): Answer => {
  const time = Duration.format(timeout)
  switch (stage) {
    case "queued":
      return unavailable(
        "TOO_MANY_REQUESTS_UNDER_WAY",
        `This proxy has as many requests to ${origin} in flight as it allows, and none of them ended within ${time}. ${nothingSent}`,
        "connection_limit_reached"
      )
    case "token":
      return unavailable(
        "TOKEN_ENDPOINT_UNAVAILABLE",
        `There was no token within ${time}. ${nothingSent}`,
        "destination_unavailable"
      )
    case "rejected":
      return unavailable(
        "TOKEN_ENDPOINT_UNAVAILABLE",
        `${origin} answered 401, and there was no new token within ${time}. The request was not sent again.`,
        "destination_unavailable"
      )
    case "sent":
      return {
        status: 504,
        code: "API_TIMEOUT",
        message: `${origin} did not answer within ${time}. ${notKnown}`,
        kind: "http_response_timeout"
      }
  }
}

/** The proxy ended while a request was in progress. */
export const ended = (stage: Stage, origin: string): Answer =>
  stage === "sent"
    ? {
      status: 502,
      code: "PROXY_ENDED",
      message: `This proxy ended before ${origin} answered. ${notKnown}`,
      kind: "proxy_internal_error"
    }
    : unavailable(
      "PROXY_ENDED",
      `This proxy ended before it could send the request${stage === "rejected" ? " again" : ""}.`,
      "proxy_internal_response"
    )

/** The API answered with a number that is not a status of HTTP, which a server cannot send (RFC 9110 §15). */
export const unknownStatus = (origin: string, status: number): Answer => ({
  status: 502,
  code: "UNKNOWN_STATUS",
  message: `${origin} answered with the status ${status}, which does not exist. ${notKnown}`,
  kind: "http_protocol_error"
})

/** The API used a transfer coding for its answer, which a proxy must not forward (RFC 9112 §6.1). */
export const unknownCoding = (origin: string): Answer => ({
  status: 502,
  code: "TRANSFER_CODING",
  message: `${origin} answered with a transfer coding that was not requested. This proxy supports chunked only.`,
  kind: "http_response_transfer_coding"
})

/** The request needs something that this proxy does not support. */
export const notImplemented = (code: string, message: string): Answer => ({
  status: 501,
  code,
  message,
  kind: "http_request_error"
})

/** The request cannot be forwarded. */
export const badRequest = (message: string): Answer => ({
  status: 400,
  code: "BAD_REQUEST",
  message,
  kind: "http_request_error"
})
