import { Duration } from "effect"

/** What the mock does in place of an answer. */
export type Fault =
  | {
    readonly _tag: "Status"
    readonly status: number
    readonly headers: Record<string, string>
    readonly body: unknown
  }
  | { readonly _tag: "Garbage" }
  | { readonly _tag: "Hang" }
  | { readonly _tag: "Drop" }

/** An answer with this status and body; by default the body is one of Spotnana's errors. */
export const status = (
  status: number,
  { body, headers = {} }: { readonly body?: unknown; readonly headers?: Record<string, string> | undefined } = {}
): Fault => ({
  _tag: "Status",
  status,
  headers,
  body: body ?? { debugIdentifier: "mock-debug-1", errorMessages: [{ errorCode: "INJECTED_FAULT" }] }
})

export const rateLimited = ({ retryAfter }: { readonly retryAfter?: Duration.Duration } = {}): Fault =>
  status(429, {
    body: { errorCode: "TOO_MANY_REQUESTS" },
    headers: retryAfter === undefined ? {} : { "retry-after": String(Duration.toSeconds(retryAfter)) }
  })

/** Bytes that are no text. */
export const garbage: Fault = { _tag: "Garbage" }
/** No answer, ever. */
export const hang: Fault = { _tag: "Hang" }
/** The connection breaks. */
export const drop: Fault = { _tag: "Drop" }
