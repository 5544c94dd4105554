import { StoredFailure, StoredToken, type TokenFailure } from "@effect-spotnana/engine"
import { assert, describe, it } from "@effect/vitest"

// Another line of the library, or an older process, reads these bytes: a change of them needs another version.
const golden: ReadonlyArray<[string, StoredFailure.StoredFailure]> = [
  [
    `{"version":1,"failure":{"_tag":"InvalidCredentials","message":"refused","status":401,"code":"invalid_client",` +
    `"clientId":"client","debugIdentifier":"debug"},"refused":"f1ngerpr1nt","until":1700000000000}`,
    {
      failure: {
        _tag: "InvalidCredentials",
        clientId: "client",
        code: "invalid_client",
        debugIdentifier: "debug",
        message: "refused",
        status: 401
      },
      refused: "f1ngerpr1nt",
      until: 1_700_000_000_000
    }
  ],
  [
    `{"version":1,"failure":{"_tag":"TokenEndpointUnavailable","message":"slow down","reason":"RateLimited",` +
    `"status":429,"retryAfter":30000,"debugIdentifier":"debug"},"until":1700000000000}`,
    {
      failure: {
        _tag: "TokenEndpointUnavailable",
        debugIdentifier: "debug",
        message: "slow down",
        reason: "RateLimited",
        retryAfter: 30_000,
        status: 429
      },
      refused: undefined,
      until: 1_700_000_000_000
    }
  ],
  [
    `{"version":1,"failure":{"_tag":"MalformedTokenResponse","message":"no token","status":200,"retryAfter":500},"until":1700000000000}`,
    {
      failure: {
        _tag: "MalformedTokenResponse",
        debugIdentifier: undefined,
        message: "no token",
        retryAfter: 500,
        status: 200
      },
      refused: undefined,
      until: 1_700_000_000_000
    }
  ]
]

describe("StoredFailure", () => {
  it.each(golden)("a stored failure has exactly these bytes: %s", (text, failure) => {
    assert.strictEqual(StoredFailure.encode(failure), text)
    assert.deepStrictEqual(StoredFailure.decode(text), failure)
  })

  it("a failure with nothing but what it must have is stored and read", () => {
    const failures: ReadonlyArray<TokenFailure.TokenFailure> = [
      { _tag: "InvalidCredentials", message: "m" },
      { _tag: "TokenEndpointUnavailable", message: "m", reason: "Transport" },
      { _tag: "MalformedTokenResponse", message: "m", status: 302 }
    ]
    for (const failure of failures) {
      const decoded = StoredFailure.decode(StoredFailure.encode({ failure, refused: undefined, until: 1 }))
      assert.deepStrictEqual(JSON.parse(JSON.stringify(decoded)), { failure, until: 1 })
    }
  })

  it("invariant 9: fields that are unknown are not stored", () => {
    const failure = { _tag: "InvalidCredentials", message: "m", secret: "c4nary" } as const
    assert.notInclude(StoredFailure.encode({ failure, refused: undefined, until: 1 }), "c4nary")
  })

  it("invariant 12: unknown fields of a stored failure pass, and are left out", () => {
    const [text, failure] = golden[0]!
    assert.deepStrictEqual(StoredFailure.decode(text.replaceAll(`"message"`, `"new":1,"message"`)), failure)
  })

  const [refusal, unavailable, malformed] = golden.map(([text]) => text) as [string, string, string]
  it.each<[string, string]>([
    ["nothing", ""],
    ["text", "hello"],
    ["null", "null"],
    ["an array", `[${refusal}]`],
    ["of the format before this one", `{"error":{"_tag":"InvalidCredentials","message":"refused"},"refused":12345}`],
    ["a token", StoredToken.encode({ value: "t", lifetime: 1000, scope: undefined, expiresAt: 1, fence: 1 })],
    ["another version", refusal.replace(`"version":1`, `"version":2`)],
    ["no failure", `{"version":1,"until":1}`],
    ["no end", refusal.replace(`,"until":1700000000000`, "")],
    ["an end that is text", refusal.replace("1700000000000", `"1700000000000"`)],
    ["an end that never comes", refusal.replace("1700000000000", "1e999")],
    ["a failure that is text", `{"version":1,"failure":"InvalidCredentials","until":1}`],
    ["an unknown tag", refusal.replace("InvalidCredentials", "TokenExpired")],
    ["an unknown reason", unavailable.replace("RateLimited", "Sunspots")],
    ["a fingerprint that is a number", refusal.replace(`"f1ngerpr1nt"`, "5")],
    ["a message that is a number", refusal.replace(`"refused","status"`, `5,"status"`)],
    ["no message", refusal.replace(`"message":"refused",`, "")],
    ["a client id that is a number", refusal.replace(`"client"`, "5")],
    ["a code that is null", refusal.replace(`"invalid_client"`, "null")],
    ["a debug identifier that is a number", unavailable.replace(`"debug"`, "5")],
    ["a status that is text", refusal.replace("401", `"401"`)],
    ["a status that is no integer", refusal.replace("401", "401.5")],
    ["no status where there must be one", malformed.replace(`"status":200,`, "")],
    ["a negative delay", unavailable.replace("30000", "-1")],
    ["a delay without end", unavailable.replace("30000", "1e999")],
    ["a delay that is text", malformed.replace("500", `"500"`)]
  ])("invariant 12: a stored text that is no failure of this version is none: %s", (_, text) => {
    assert.isUndefined(StoredFailure.decode(text))
  })

  it("invariant 10: an old failure that is put back is over, whatever time the store gives it", () => {
    const [, failure] = golden[0]!
    const left = (now: number, storeTimeLeft: number) => StoredFailure.timeLeft(failure, { now, storeTimeLeft })
    assert.strictEqual(left(failure.until - 30_000, 20_000), 20_000)
    assert.strictEqual(left(failure.until - 30_000, 86_400_000), 40_000, "clocks may differ by ten seconds")
    assert.strictEqual(left(failure.until + 10_000, 86_400_000), 0)
  })

  it("invariant 9: the associated data differs for each key, and from a token's", () => {
    assert.strictEqual(StoredFailure.associatedData("key"), `["spotnana failure",1,"key"]`)
    assert.notStrictEqual(StoredFailure.associatedData("a"), StoredFailure.associatedData("b"))
  })
})
