import { Text } from "@effect-spotnana/engine"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Base64 from "effect/encoding/Base64"
import * as Hex from "effect/encoding/Hex"

const secret = `c4nary:S3CR3T %+&="\\<'x`

const echoes: Record<string, string> = {
  "as it is": secret,
  "percent-encoded": encodeURIComponent(secret),
  "percent-encoded in lower case": encodeURIComponent(secret).replaceAll(/%../g, (octet) => octet.toLowerCase()),
  "percent-encoded as part of a URL": encodeURI(secret),
  "form-encoded": new URLSearchParams({ s: secret }).toString().slice(2),
  "in JSON": JSON.stringify(secret),
  "in JSON with escapes": JSON.stringify(secret).replaceAll("&", "\\u0026").replaceAll("<", "\\u003c"),
  "escaped for HTML by names": secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("\"", "&quot;"),
  "escaped for HTML by numbers": secret.replaceAll("&", "&#38;").replaceAll("<", "&#x3C;").replaceAll("'", "&#39;"),
  "in Base64": Buffer.from(secret).toString("base64"),
  "in Base64 without padding": Buffer.from(secret).toString("base64").replaceAll("=", ""),
  "in Base64 for URLs": Buffer.from(secret).toString("base64url"),
  "in hexadecimal": Buffer.from(secret).toString("hex"),
  "in hexadecimal of capitals": Buffer.from(secret).toString("hex").toUpperCase()
}

const Secret = Schema.String.check(Schema.isPattern(/^[ -~]{4,40}$/))

describe("Text", () => {
  it.each(Object.entries(echoes))("invariant 9: a text that repeats a secret is withheld whole: %s", (_, echo) => {
    for (const text of [echo, `before ${echo} after`, `${"x".repeat(295)}${echo}`]) {
      assert.strictEqual(Text.printable(text, ["other", secret]), "<redacted>")
    }
  })

  it.prop("invariant 9: any secret is found in Base64 and in hexadecimal", { value: Secret, before: Schema.String }, (
    { before, value }
  ) => {
    for (
      const echo of [
        Base64.encode(value),
        Buffer.from(value).toString("base64url"),
        Hex.encode(value),
        encodeURIComponent(value)
      ]
    ) {
      assert.strictEqual(Text.printable(`${before} ${echo}`, [value]), "<redacted>")
    }
  })

  it("invariant 9: a secret outside ASCII is found in Base64 and in hexadecimal", () => {
    for (const value of ["ключ-é", "秘密🔑"]) {
      for (const echo of [value, Base64.encode(value), Hex.encode(value)]) {
        assert.strictEqual(Text.printable(echo, [value]), "<redacted>")
      }
    }
  })

  it("text without a secret is shown, and an empty secret is none", () => {
    assert.strictEqual(
      Text.printable("100% of &unknown; \\ text + more", ["s3cret", ""]),
      "100% of &unknown; \\ text + more"
    )
  })

  it("invariant 12: control characters and line breaks are a space", () => {
    assert.strictEqual(Text.printable("\r\na\u001b[31m\r\nb\u0085c\u2028d\t", []), "a [31m b c d")
  })

  it("invariant 12: text is bounded", () => {
    assert.strictEqual(Text.printable("x".repeat(300), []), "x".repeat(300))
    assert.strictEqual(Text.printable("x".repeat(301), []), `${"x".repeat(300)}…`)
    assert.strictEqual(Text.printable("x".repeat(5), [], 4), "xxxx…")
  })

  it.prop(
    "invariant 12: whatever the text is, it is one bounded line",
    { text: Schema.String, secret: Schema.String },
    (
      { secret, text }
    ) => {
      const line = Text.printable(text.repeat(20), [secret], 50)
      assert.isAtMost(line.length, 51)
      assert.notMatch(line, /[\r\n\u2028\u2029\x1b]/)
    }
  )
})
