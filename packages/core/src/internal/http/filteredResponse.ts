import type { HttpClientResponse } from "effect/http"
import * as HttpClientError from "effect/http/HttpClientError"

/** The response inside an error: a client that filters statuses has already turned a rejection into an error. */
export const filteredResponse = (error: unknown): HttpClientResponse.HttpClientResponse | undefined =>
  HttpClientError.isHttpClientError(error) && error.reason._tag === "StatusCodeError"
    ? error.reason.response
    : undefined
