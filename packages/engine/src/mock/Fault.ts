/**
 * What the mock of Spotnana answers when a test has injected a fault.
 *
 * @since 0.1.0
 */
import * as Answer from "./Answer.ts"

/**
 * A fault that is answered.
 *
 * @category models
 * @since 0.1.0
 */
export type Fault =
  | {
    readonly _tag: "Status"
    readonly status: number
    /** By names in lower case. */
    readonly headers: Readonly<Record<string, string>>
    /** Text and bytes are sent as they are, anything else as JSON, and Spotnana's error body if there is none. */
    readonly body: unknown
  }
  | { readonly _tag: "RateLimited"; readonly retryAfter: string | undefined }
  | { readonly _tag: "Garbage" }

// 0xff and 0xfe occur in no UTF-8 text, and a decoder that accepts them still finds no JSON.
const garbage = Uint8Array.of(0xff, 0xfe, 0x7b, 0x22, 0xc3, 0x28, 0x00, 0x80)

/**
 * The answer that a fault gives.
 *
 * @category combinators
 * @since 0.1.0
 */
export const answer = (fault: Fault, debugIdentifier: string): Answer.Answer => {
  switch (fault._tag) {
    case "Garbage":
      return Answer.make(garbage, { contentType: "application/json" })
    case "RateLimited":
      // Spotnana documents this short form, without `errorMessages`, for this status.
      return Answer.json(
        { debugIdentifier, errorCode: "TOO_MANY_REQUESTS" },
        { status: 429, headers: { "retry-after": fault.retryAfter } }
      )
    case "Status": {
      const { body, headers, status } = fault
      const options = { status, headers, contentType: headers["content-type"] ?? "application/json" }
      if (body === undefined) {
        return Answer.spotnanaError(debugIdentifier, {
          status,
          errorCode: "INJECTED_FAULT",
          message: `A fault with status ${status} was injected`,
          headers
        })
      }
      return typeof body === "string" || body instanceof Uint8Array
        ? Answer.make(body, options)
        : Answer.json(body, options)
    }
  }
}
