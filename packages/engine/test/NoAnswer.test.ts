import { NoAnswer } from "@effect-spotnana/engine"
import { assert, describe, it } from "@effect/vitest"

const asked = { address: "https://api.spotnana.com/token", secrets: ["c4nary~S3CR3T"] }
const refused = new Error("connect ECONNREFUSED 127.0.0.1:1")

describe("NoAnswer", () => {
  it.each<[string, unknown, string]>([
    ["the innermost cause", new Error("a", { cause: new Error("b", { cause: refused }) }), refused.message],
    [
      "the first of several failures",
      new Error("a", { cause: new AggregateError([refused, new Error("b")]) }),
      refused.message
    ],
    ["the name of an error that has one", new Error("a", { cause: new TypeError("b") }), "TypeError: b"],
    [
      "a server without TLS, as Node's fetch says it",
      new TypeError("fetch failed", {
        cause: new Error(
          "40E3A115847F0000:error:0A00010B:SSL routines:tls_validate_record_header:wrong version number:tlsany_meth.c:78:"
        )
      }),
      "it does not speak TLS"
    ],
    ["the kind, without a cause", new Error("a"), "Transport"],
    ["the kind, for what is no error", "a", "Transport"]
  ])("a request without an answer fails with %s", (_, error, said) => {
    assert.deepStrictEqual(NoAnswer.lost(asked, error, "Transport", 502), {
      _tag: "TokenEndpointUnavailable",
      reason: "Transport",
      status: 502,
      message: `No answer from ${asked.address}: ${said}. Check the network and the environment's address.`
    })
  })

  it("invariant 12: an error that is its own cause has an end", () => {
    const error = new Error("a")
    error.cause = new Error("b", { cause: error })
    assert.include(NoAnswer.lost(asked, error, "Transport").message, "No answer from")
  })

  it("invariant 9: no message shows the secret", () => {
    const [secret] = asked.secrets
    for (
      const { message } of [
        NoAnswer.lost(asked, new Error("a", { cause: new Error(`x ${secret} y`) }), "Transport"),
        NoAnswer.broken(asked, new Error(`x ${secret} y`)),
        NoAnswer.diverted(asked, `https://evil.example/${secret}`)
      ]
    ) {
      assert.include(message, "<redacted>")
      assert.notInclude(message, "c4nary")
    }
  })

  it("invariant 12: a defect of the client is a failure, whatever was thrown", () => {
    assert.include(NoAnswer.broken(asked, new TypeError("boom")).message, "ended unexpectedly: TypeError: boom.")
    assert.include(NoAnswer.broken(asked, null).message, "ended unexpectedly: an error that is not an Error.")
  })

  it("a timeout says how long that was, and what to do", () => {
    assert.deepStrictEqual(NoAnswer.timedOut(asked, "10s"), {
      _tag: "TokenEndpointUnavailable",
      reason: "Timeout",
      status: undefined,
      message: `No complete answer from ${asked.address} within 10s. Check the network, or raise the \`timeout\`.`
    })
  })
})
