import { AccessToken } from "@effect-spotnana/core"
import { assert, describe, it } from "@effect/vitest"
import { Cause, DateTime, Duration, Formatter, Redacted, Result, Schema } from "effect"
import { format, inspect } from "node:util"

const issuedAt = DateTime.makeUnsafe("2030-01-01T00:00:00Z")
const defaultLifetime = Duration.minutes(42)
const decode = (response: Readonly<Record<string, unknown>>) =>
  AccessToken.decode(response, { issuedAt, defaultLifetime })

const minimal = { access_token: "abc" }
const whole = { access_token: "abc", token_type: "Bearer", expires_in: 3600 }
const hour = 3_600_000
const day = 24 * hour

const lifetimeOf = (response: Readonly<Record<string, unknown>>): number =>
  Duration.toMillis(AccessToken.lifetime(Result.getOrThrow(decode(response))))

const refusal = (response: Readonly<Record<string, unknown>>): string => {
  const result = decode(response)
  assert.isTrue(Result.isFailure(result), "it was taken")
  return Result.getOrThrow(Result.flip(result))
}

describe("AccessToken.decode", () => {
  it("takes the token that Spotnana's samples show", () => {
    const token = Result.getOrThrow(decode({ ...whole, scope: "read write" }))
    assert.strictEqual(Redacted.value(token.value), "abc")
    assert.strictEqual(DateTime.formatIso(token.issuedAt), "2030-01-01T00:00:00.000Z")
    assert.strictEqual(DateTime.formatIso(token.expiresAt), "2030-01-01T01:00:00.000Z")
    assert.strictEqual(token.scope, "read write")
  })

  it.each<[string, Readonly<Record<string, unknown>>, number]>([
    ["absent", {}, 42 * 60_000],
    ["null", { expires_in: null }, 42 * 60_000],
    ["an integer", { expires_in: 3600 }, hour],
    ["text", { expires_in: "3600" }, hour],
    ["text with white space", { expires_in: " 3600 " }, hour],
    ["a fraction", { expires_in: 3600.5 }, hour + 500],
    ["a fraction of a millisecond", { expires_in: 1.0009 }, 1000],
    ["one second", { expires_in: 1 }, 1000],
    ["24 hours", { expires_in: 86_400 }, day],
    ["more than 24 hours", { expires_in: 86_401 }, day],
    ["absurd", { expires_in: 1e12 }, day],
    ["absurd text", { expires_in: "1000000000000" }, day],
    // What JSON.parse makes of 1e400.
    ["beyond every number", { expires_in: Infinity }, day]
  ])("invariant 12: expires_in %s gives a lifetime", (_, fields, expected) => {
    assert.strictEqual(lifetimeOf({ ...minimal, ...fields }), expected)
  })

  it.each<[string, unknown, string]>([
    ["empty text", "", "is not a number"],
    ["blank text", "  ", "is not a number"],
    ["NaN", NaN, "is not a number"],
    ["NaN as text", "NaN", "is not a number"],
    ["a word", "soon", "is not a number"],
    ["a number with a unit", "3600s", "is not a number"],
    ["true", true, "is not a number"],
    ["an object", {}, "is not a number"],
    ["an array", [3600], "is not a number"],
    ["zero", 0, "is below one second"],
    ["zero as text", "0", "is below one second"],
    ["negative", -1, "is below one second"],
    ["negative as text", "-3600", "is below one second"],
    ["negative beyond every number", -Infinity, "is below one second"],
    ["half a second", 0.5, "is below one second"],
    ["just below a second", 0.999_999, "is below one second"]
  ])("invariant 12: expires_in %s is refused", (_, expiresIn, reason) => {
    assert.strictEqual(refusal({ ...whole, expires_in: expiresIn }), `its expires_in ${reason}`)
  })

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ["absent", {}],
    ["null", { token_type: null }],
    ["Bearer", { token_type: "Bearer" }],
    ["bearer", { token_type: "bearer" }],
    ["BEARER", { token_type: "BEARER" }]
  ])("invariant 12: token_type %s counts as Bearer", (_, fields) => {
    assert.isTrue(Result.isSuccess(decode({ ...minimal, ...fields })))
  })

  it.each(["MAC", "DPoP", "", "Bearer ", 5, true, {}, ["Bearer"]])(
    "invariant 12: token_type %j is refused",
    (tokenType) => {
      assert.strictEqual(refusal({ ...whole, token_type: tokenType }), "its token_type is not Bearer")
    }
  )

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ["absent", {}],
    ["null", { access_token: null }],
    ["empty", { access_token: "" }],
    ["a number", { access_token: 5 }],
    ["an object", { access_token: { value: "abc" } }]
  ])("invariant 12: an access_token that is %s is refused", (_, fields) => {
    assert.strictEqual(refusal({ token_type: "Bearer", ...fields }), "it has no access_token")
  })

  it.each<[string, string]>([
    ["a line break at the end", "c4nary\n"],
    ["a header of its own", "c4nary\r\nX-Evil: 1"],
    ["a space", "c4nary b"],
    ["nothing but a space", " "],
    ["a NUL", "c4nary\0"],
    ["a DEL", "c4nary\x7f"],
    ["Latin-1", "c4naryé"],
    ["an emoji", "c4nary🔑"]
  ])("invariant 12: an access_token with %s is refused and not shown", (_, accessToken) => {
    const message = refusal({ ...whole, access_token: accessToken })
    assert.strictEqual(message, "its access_token has a character that cannot stand in a header")
  })

  it.each<[string, string]>([
    ["64 KB long", "a".repeat(65_536)],
    ["of every printable character", Array.from({ length: 94 }, (_, i) => String.fromCharCode(0x21 + i)).join("")]
  ])("takes an access_token %s", (_, accessToken) => {
    const token = Result.getOrThrow(decode({ ...whole, access_token: accessToken }))
    assert.strictEqual(Redacted.value(token.value), accessToken)
  })

  it("invariant 12: unknown fields pass", () => {
    const token = Result.getOrThrow(decode({ ...whole, refresh_token: "r", id_token: null, nested: { a: [1] }, "": 0 }))
    assert.strictEqual(Redacted.value(token.value), "abc")
    assert.deepStrictEqual(Object.keys(token).toSorted(), ["expiresAt", "issuedAt", "scope", "value"])
  })

  it.each<[string, Readonly<Record<string, unknown>>, string | undefined]>([
    ["a list", { scope: "read write" }, "read write"],
    ["empty", { scope: "" }, ""],
    ["absent", {}, undefined],
    ["null", { scope: null }, undefined],
    ["a number", { scope: 5 }, undefined],
    ["an array", { scope: ["read"] }, undefined]
  ])("invariant 12: scope %s", (_, fields, expected) => {
    assert.strictEqual(Result.getOrThrow(decode({ ...whole, ...fields })).scope, expected)
  })

  const bearer = Schema.String.check(Schema.isPattern(/^[!-~]{1,20}$/))

  it.prop("invariant 12: whatever number of seconds counts alike as a number and as text", {
    accessToken: bearer,
    seconds: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(1))
  }, ({ accessToken, seconds }) => {
    for (const expiresIn of [seconds, String(seconds), ` ${seconds}\n`]) {
      assert.strictEqual(
        lifetimeOf({ ...whole, access_token: accessToken, expires_in: expiresIn }),
        Math.min(Math.floor(seconds * 1000), day)
      )
    }
  }, { arbitrary: { runs: 1000 } })

  const anything = Schema.Union([Schema.Json, Schema.String, Schema.Number])
  it.prop("invariant 12: an answer of any shape gets a token that is fit for use, or a reason", {
    response: Schema.Struct({
      access_token: Schema.optionalKey(Schema.Union([bearer, anything])),
      token_type: Schema.optionalKey(Schema.Union([Schema.Literals(["Bearer", "bearer"]), anything])),
      expires_in: Schema.optionalKey(Schema.Union([Schema.Int, Schema.NumberFromString, anything])),
      scope: Schema.optionalKey(anything),
      extra: anything
    })
  }, ({ response }) => {
    Result.match(decode(response), {
      onFailure: (reason) =>
        assert.match(reason, /^it has no access_token$|^its (access_token|token_type|expires_in) /),
      onSuccess: (token) => {
        new Headers({ authorization: `Bearer ${Redacted.value(token.value)}` })
        assert.match(Redacted.value(token.value), /^[!-~]+$/)
        const lifetime = Duration.toMillis(AccessToken.lifetime(token))
        assert.isAtLeast(lifetime, 1000)
        assert.isAtMost(lifetime, day)
      }
    })
  }, { arbitrary: { runs: 2000 } })
})

describe("AccessToken", () => {
  const token = (value: string, response = whole) => Result.getOrThrow(decode({ ...response, access_token: value }))

  it("equals compares the bearer and nothing else", () => {
    assert.isTrue(AccessToken.equals(token("abc"), token("abc", { ...whole, expires_in: 7200 })))
    assert.isFalse(AccessToken.equals(token("abc"), token("abd")))
  })

  it("believes a lifetime of 24 hours at most", () => {
    assert.strictEqual(Duration.toHours(AccessToken.maximumLifetime), 24)
  })

  const canary = "c4nary-t0ken"
  it.each<[string, (token: AccessToken.AccessToken) => string]>([
    // oxlint-disable-next-line typescript/no-base-to-string -- that is the question
    ["String", (token) => String(token.value)],
    // oxlint-disable-next-line typescript/no-base-to-string, typescript/restrict-template-expressions -- likewise
    ["a template literal", (token) => `${token.value}`],
    ["JSON.stringify", (token) => JSON.stringify(token)],
    ["util.inspect", (token) => inspect(token, { depth: Infinity, showHidden: true, getters: true })],
    ["util.inspect of the value", (token) => inspect(token.value, { depth: Infinity, showHidden: true })],
    ["util.format", (token) => format("%s %o %O %j", token.value, token, token, token)],
    ["Formatter", (token) => Formatter.format(token)],
    ["the properties of the value", (token) => JSON.stringify(Object.getOwnPropertyDescriptors(token.value))],
    ["a cause", (token) => Cause.pretty(Cause.fail(token))]
  ])("invariant 9: %s does not show the value", (_, render) => {
    const secret = token(canary)
    assert.strictEqual(Redacted.value(secret.value), canary)
    assert.notInclude(render(secret), canary)
  })
})
