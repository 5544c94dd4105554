import type { HttpClientRequest, HttpClientResponse } from "@effect/platform"
import { MemoryResponse } from "../../src/internal/testing/memoryResponse.ts"

/** What a server answers. */
export interface Answer {
  readonly status: number
  /** Text and bytes as they are, everything else as JSON. Default: nothing. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>> | undefined
}

const bodyOf = (body: unknown): string | Uint8Array | undefined =>
  body === undefined || typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body)

/** An answer to a request, as a client gets it. */
export const respond = (
  request: HttpClientRequest.HttpClientRequest,
  { body, headers = {}, status }: Answer
): HttpClientResponse.HttpClientResponse => new MemoryResponse(request, { status, headers, body: bodyOf(body) })
