import { AuthError } from "@effect-spotnana/core"
import { StoredFailure } from "@effect-spotnana/engine"
import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import { fromError, toError } from "../src/internal/tokenEndpoint/tokenFailure.ts"

const retryAfter = Duration.millis(1500.25)

const errors: Record<string, AuthError.TokenEndpointError> = {
  "a refusal": new AuthError.InvalidCredentials({
    message: "refused",
    clientId: "client",
    status: 401,
    code: "invalid_client",
    debugIdentifier: "debug"
  }),
  "a refusal without a request": new AuthError.InvalidCredentials({ message: "refused" }),
  "no usable answer": new AuthError.TokenEndpointUnavailable({
    message: "a page",
    reason: "Intermediary",
    status: 403,
    retryAfter,
    debugIdentifier: "debug"
  }),
  "no answer": new AuthError.TokenEndpointUnavailable({ message: "no answer", reason: "Transport" }),
  "an answer outside the protocol": new AuthError.MalformedTokenResponse({
    message: "odd",
    status: 200,
    retryAfter,
    debugIdentifier: "debug"
  })
}

const throughStore = (error: AuthError.TokenEndpointError): AuthError.TokenEndpointError => {
  const read = StoredFailure.decode(StoredFailure.encode({ failure: fromError(error), refused: undefined, until: 1 }))
  return read === undefined ? assert.fail("it cannot be read") : toError(read.failure)
}

describe("an error that one process stores and another one reads", () => {
  it.each(Object.entries(errors))("is the same for both: %s", (_, error) => {
    const read = throughStore(error)
    assert.deepStrictEqual(fromError(read), fromError(error))
    assert.strictEqual(JSON.stringify(read), JSON.stringify(error))
  })

  it.each([
    ["without end", Duration.infinity, Number.MAX_SAFE_INTEGER],
    ["negative", Duration.millis(-5), 0]
  ])("invariant 12: can be read although its delay is %s", (_, delay, expected) => {
    const read = throughStore(new AuthError.MalformedTokenResponse({ message: "", status: 200, retryAfter: delay }))
    assert.deepStrictEqual(
      AuthError.retryAfter(read),
      AuthError.retryAfter(
        new AuthError.MalformedTokenResponse({ message: "", status: 200, retryAfter: Duration.millis(expected) })
      )
    )
  })
})
