import { ErrorBody } from "@effect-spotnana/engine"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"

const none: ErrorBody.ErrorBody = { code: undefined, description: undefined, debugIdentifier: undefined }

describe("ErrorBody", () => {
  it.each<[string, Record<string, unknown>, Partial<ErrorBody.ErrorBody>, string]>([
    [
      "RFC 6749",
      { error: "invalid_client", error_description: "no such client" },
      { code: "invalid_client", description: "no such client" },
      "invalid_client: no such client"
    ],
    [
      "Spotnana's",
      { debugIdentifier: "debug", errorMessages: [{ errorCode: "NOPE", message: "not you" }, { errorCode: "SECOND" }] },
      { code: "NOPE", description: "not you", debugIdentifier: "debug" },
      "NOPE: not you"
    ],
    ["Spotnana's with detail alone", { errorMessages: [{ errorDetail: "why" }] }, { description: "why" }, "why"],
    ["a code alone", { errorCode: "TOO_MANY_REQUESTS" }, { code: "TOO_MANY_REQUESTS" }, "TOO_MANY_REQUESTS"],
    [
      "a message alone",
      { message: "Access Token Invalid" },
      { description: "Access Token Invalid" },
      "Access Token Invalid"
    ],
    ["nothing", {}, {}, ""],
    ["other types", { error: 5, debugIdentifier: {}, errorMessages: [{ errorCode: null, message: [] }] }, {}, ""],
    ["messages that are no list", { errorMessages: { errorCode: "NOPE" } }, {}, ""],
    ["a first message that is no object", { errorMessages: ["NOPE"], message: "why" }, { description: "why" }, "why"],
    ["empty texts", { error: "", errorCode: "CODE", message: "" }, { code: "CODE" }, "CODE"]
  ])("invariant 12: reads an error body, whatever its shape: %s", (_, json, expected, summary) => {
    const body = ErrorBody.parse(json, [])
    assert.deepStrictEqual(body, { ...none, ...expected })
    assert.strictEqual(ErrorBody.summary(body), summary)
  })

  it("invariant 9: withholds each text that repeats a secret", () => {
    const json = {
      error: "s3cret",
      error_description: "bad s3cret",
      debugIdentifier: "s3cret",
      errorMessages: [{ message: "s3cret", errorParameters: [{ name: "s3cret", value: "x" }] }]
    }
    assert.notInclude(JSON.stringify(ErrorBody.parse(json, ["s3cret"])), "s3cret")
    assert.deepStrictEqual(ErrorBody.errorMessages(json, ["s3cret"]), [
      { message: "<redacted>", errorParameters: [{ name: "<redacted>", value: "x" }] }
    ])
  })

  it("invariant 12: has the fields of every entry that are known and text", () => {
    const entries = ErrorBody.errorMessages({
      errorMessages: [
        { errorCode: "A", message: "a", errorDetail: "b", unknown: 1, errorParameters: [{ name: "n", value: 5 }, "x"] },
        { errorCode: 5, errorParameters: [] },
        null,
        ["x"],
        { message: "x".repeat(5000) }
      ]
    }, [])
    assert.deepStrictEqual(entries, [
      { errorCode: "A", message: "a", errorDetail: "b", errorParameters: [{ name: "n" }] },
      {},
      { message: `${"x".repeat(4096)}...` }
    ])
    assert.deepStrictEqual(ErrorBody.errorMessages({ errorMessages: "none" }, []), [])
  })

  it.prop("invariant 12: throws at no JSON", { json: Schema.Record(Schema.String, Schema.Json) }, ({ json }) => {
    ErrorBody.parse({ ...json, errorMessages: [json] }, ["secret"])
    ErrorBody.errorMessages({ ...json, errorMessages: [json] }, ["secret"])
  })
})
