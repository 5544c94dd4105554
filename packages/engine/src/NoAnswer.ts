/**
 * Why the token endpoint gave no answer. Each failure is transient, says what to do, and contains no secret.
 *
 * @since 0.1.0
 */
import { prose } from "./Text.ts"
import type { TokenFailure } from "./TokenFailure.ts"

/**
 * What is known about a token request.
 *
 * @category models
 * @since 0.1.0
 */
export interface Asked {
  /** The token URL without its query. */
  readonly address: string
  /** The secrets that no message may show. */
  readonly secrets: ReadonlyArray<string>
}

const unavailable = (
  message: string,
  status?: number,
  reason: "Transport" | "Timeout" = "Transport"
): TokenFailure => ({
  _tag: "TokenEndpointUnavailable",
  reason,
  status,
  message
})

/**
 * The HTTP client wanted to send the request to another origin.
 *
 * @category failures
 * @since 0.1.0
 */
export const diverted = ({ address, secrets }: Asked, origin: string): TokenFailure =>
  unavailable(
    `The HTTP client tried to send the token request to ${prose(origin, secrets)}, not to ${address}: ` +
      "it follows redirects or rewrites URLs. Use a client that does neither, and check the token URL."
  )

// The innermost message is the useful one: "connect ECONNREFUSED 127.0.0.1:1", not "fetch failed". For a host with
// several addresses it is an AggregateError with one failure for each.
const rootMessage = (error: unknown, message: string): string => {
  let root = error
  for (let depth = 0; depth < 8 && root instanceof Error; depth++) {
    root = root instanceof AggregateError ? root.errors[0] : root.cause
    if (root instanceof Error) message = root.name === "Error" ? root.message : `${root.name}: ${root.message}`
  }
  // Node's message for this has internals of OpenSSL.
  return /wrong.version/i.test(message) ? "it does not speak TLS" : message
}

/**
 * The request failed with this error, or its answer broke off. The message shows
 * `kind` if the error has no cause that says more.
 *
 * @category failures
 * @since 0.1.0
 */
export const lost = ({ address, secrets }: Asked, error: unknown, kind: string, status?: number): TokenFailure =>
  unavailable(
    `No answer from ${address}: ${prose(rootMessage(error, kind), secrets)}. ` +
      "Check the network and the environment's address.",
    status
  )

/**
 * The HTTP client died with this defect.
 *
 * @category failures
 * @since 0.1.0
 */
export const broken = ({ address, secrets }: Asked, defect: unknown): TokenFailure =>
  unavailable(`The token request to ${address} ended unexpectedly: ${describe(defect, secrets)}.`)

/**
 * What callers may read of an error that is not the library's own.
 *
 * @category getters
 * @since 0.1.0
 */
export const describe = (error: unknown, secrets: ReadonlyArray<string>): string =>
  error instanceof Error ? prose(`${error.name}: ${error.message}`, secrets) : "an error that is not an Error"

/**
 * There was no complete answer in time. `time` is a text.
 *
 * @category failures
 * @since 0.1.0
 */
export const timedOut = ({ address }: Asked, time: string): TokenFailure =>
  unavailable(
    `No complete answer from ${address} within ${time}. Check the network, or raise the \`timeout\`.`,
    undefined,
    "Timeout"
  )
