import { AuthError } from "@effect-spotnana/core"
import { describe, expect, it } from "@effect/vitest"
import { Duration } from "effect"
import { HttpClientError, HttpClientRequest } from "effect/http"
import { explain, Failure } from "../src/exitCode.ts"

const transport = (cause: unknown) =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.TransportError({ request: HttpClientRequest.get("/v2/companies"), cause })
  })

describe("an error", () => {
  it.each<readonly [string, unknown, string, number]>([
    ["of its own", new Failure({ message: "Nothing was sent.", exitCode: 2 }), "Nothing was sent.", 2],
    [
      "of the library",
      new AuthError.TokenEndpointUnavailable({
        reason: "RateLimited",
        message: "Too many.",
        retryAfter: Duration.millis(61_500),
        debugIdentifier: "d-1"
      }),
      "Too many.\ndebugIdentifier: d-1\nTry again in 1m 2s.",
      7
    ],
    [
      "of an API that takes no token",
      new AuthError.TokenExpired({ reason: "Rejected", message: "Rejected." }),
      "Rejected.",
      6
    ],
    [
      "of the network",
      transport(new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED 127.0.0.1:9") })),
      "GET /v2/companies got no answer: connect ECONNREFUSED 127.0.0.1:9",
      7
    ],
    [
      "of several addresses",
      transport(
        new TypeError("fetch failed", { cause: new AggregateError([new Error("connect ECONNREFUSED ::1:9")]) })
      ),
      "GET /v2/companies got no answer: connect ECONNREFUSED ::1:9",
      7
    ],
    ["that nobody has thought of", new Error("outer", { cause: {} }), "This should not have happened: outer", 1],
    ["that is no error", { a: 1 }, "This should not have happened: an error without a message", 1],
    ["that is a text", "oops", "This should not have happened: oops", 1]
  ])("%s is a sentence and a number", (_, error, message, exitCode) => {
    expect(explain(error)).toMatchObject({ message, exitCode })
  })
})
