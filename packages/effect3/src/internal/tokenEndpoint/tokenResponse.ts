import { prose } from "@effect-spotnana/engine/Text"
import type { Answer } from "@effect-spotnana/engine/TokenResponse"
import { interpret } from "@effect-spotnana/engine/TokenResponse"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { AccessToken } from "../../AccessToken.ts"
import { TokenEndpointUnavailable } from "../../AuthError.ts"
import type { TokenEndpointError } from "../../AuthError.ts"
import { fromToken } from "../fromToken.ts"
import type { Diverted } from "./pinnedClient.ts"
import { toError } from "./tokenFailure.ts"

/** The token in an answer, or the one error that fits it. */
export const readToken = (answer: Answer, issuedAt: DateTime.Utc): Effect.Effect<AccessToken, TokenEndpointError> => {
  const response = interpret(answer)
  return response._tag === "Token"
    ? Effect.succeed(fromToken(response, issuedAt))
    : Effect.fail(toError(response))
}

/** The error where there is no answer. */
export const noAnswer =
  ({ address, secrets }: Pick<Answer, "address" | "secrets">) =>
  (error: HttpClientError.HttpClientError | Diverted): TokenEndpointUnavailable =>
    error._tag === "Diverted"
      ? new TokenEndpointUnavailable({
        reason: "Transport",
        message:
          `The HTTP client wanted to send the token request to ${prose(error.origin, secrets)}, not to ${address}: ` +
          "it follows redirects or rewrites URLs. Give the library one that does neither, and the token URL that is meant."
      })
      : new TokenEndpointUnavailable({
        reason: "Transport",
        status: error._tag === "ResponseError" ? error.response.status : undefined,
        message: `No answer from ${address}: ${prose(rootMessage(error), secrets)}. ` +
          "Check the network and the environment's address."
      })

/** What a client that died did to the token request. */
export const brokenClient = (
  address: string,
  secrets: ReadonlyArray<string>,
  defect: unknown
): TokenEndpointUnavailable =>
  new TokenEndpointUnavailable({
    reason: "Transport",
    message: `The token request to ${address} ended unexpectedly: ${
      defect instanceof Error
        ? prose(`${defect.name}: ${defect.message}`, secrets)
        : "an error that is not an Error"
    }.`
  })

// The innermost message is the one that says something: "connect ECONNREFUSED 127.0.0.1:1", not "fetch failed". A host
// of several addresses makes an AggregateError of one failure each.
const rootMessage = (error: HttpClientError.HttpClientError): string => {
  let root: unknown = error
  for (let depth = 0; depth < 8 && root instanceof Error; depth++) {
    const inner: unknown = root instanceof AggregateError ? root.errors[0] : root.cause
    if (!(inner instanceof Error)) break
    root = inner
  }
  if (!(root instanceof Error) || root === error) return error.reason
  return root.name === "Error" ? root.message : `${root.name}: ${root.message}`
}
