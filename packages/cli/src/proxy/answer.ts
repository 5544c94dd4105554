import { AuthError } from "@effect-spotnana/core"
import * as Duration from "effect/Duration"
import { Headers, HttpServerResponse } from "effect/http"
import type { HttpClientError } from "effect/http"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { rootOf } from "../exitCode.ts"

/** An answer of the proxy itself. */
export interface Answer {
  readonly status: number
  readonly code: string
  /** What happened, and what to do. */
  readonly message: string
  /** The kind of trouble, as RFC 9209 §2.3 has it. */
  readonly kind: string
  readonly retryAfter?: Duration.Duration | undefined
  readonly debugIdentifier?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/**
 * As a response. The body has the shape of Spotnana's errors, so that whoever reads those shows this message too; the
 * header tells the two apart (RFC 9209).
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

/** There is no token, or the API takes none. What passes by itself is 503, what a person has to mend is 502. */
export const fromAuthError = (error: AuthError.AuthError): Answer => {
  const { debugIdentifier, message } = error
  const common = { message, debugIdentifier, retryAfter: Option.getOrUndefined(AuthError.retryAfter(error)) }
  switch (error._tag) {
    case "InvalidCredentials":
      return { ...common, status: 502, code: "INVALID_CREDENTIALS", kind: "proxy_configuration_error" }
    case "TokenExpired":
      return error.reason === "Rejected"
        ? { ...common, status: 502, code: "TOKEN_REJECTED", kind: "proxy_configuration_error" }
        // With the next token it may well be taken.
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

const kindOf = (error: unknown): string => {
  if (!Predicate.isObject(error)) return "destination_unavailable"
  const { cause, code } = error as { readonly cause?: unknown; readonly code?: unknown }
  return (Predicate.isString(code) ? kinds[code] : undefined) ?? kindOf(cause)
}

/** The API cannot be reached, or has broken off before it answered. */
export const fromHttpClientError = (error: HttpClientError.HttpClientError, origin: string): Answer =>
  error.reason._tag === "InvalidUrlError"
    ? badRequest("The target of the request is no URL.")
    : {
      status: 502,
      code: "API_UNREACHABLE",
      message: `${origin} gave no answer: ${rootOf(error)}. Check the network, and SPOTNANA_BASE_URL.`,
      kind: kindOf(error)
    }

/** The API takes too long. */
export const timedOut = (origin: string, timeout: Duration.Duration): Answer => ({
  status: 504,
  code: "API_TIMEOUT",
  message: `${origin} was silent for ${Duration.format(timeout)}. Whether it did what it was asked is not known.`,
  kind: "http_response_timeout"
})

/** The request is not one that can be handed on. */
export const badRequest = (message: string): Answer => ({
  status: 400,
  code: "BAD_REQUEST",
  message,
  kind: "http_request_error"
})
