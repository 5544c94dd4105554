import { Text } from "@effect-spotnana/engine"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"

const secret = `c4nary:S3CR3T %+&="\\<'x`

const percent = encodeURIComponent
const escaped = (prefix: string, radix: number) => (text: string) =>
  Array.from(text, (char) => prefix + char.charCodeAt(0).toString(radix).padStart(2, "0")).join("")
const base64 = (text: string) => Buffer.from(text).toString("base64")
const body = (text: string) => `grant_type=client_credentials&client_id=client&client_secret=${percent(text)}`

/** How a server may echo what it was sent. */
const echoes: Record<string, (secret: string) => string> = {
  "as it is": (text) => text,
  "in capitals": (text) => text.toUpperCase(),
  "percent-encoded": percent,
  "percent-encoded in lower case": (text) => percent(text).replaceAll(/%../g, (octet) => octet.toLowerCase()),
  "percent-encoded twice": (text) => percent(percent(text)),
  "percent-encoded, each character": escaped("%", 16),
  "percent-encoded, each character, three times": (text) => percent(percent(escaped("%", 16)(text))),
  "percent-encoded as part of a URL": encodeURI,
  "form-encoded": (text) => new URLSearchParams({ s: text }).toString().slice(2),
  "in JSON": JSON.stringify,
  "in JSON with escapes": (text) => JSON.stringify(text).replaceAll("&", "\\u0026").replaceAll("<", "\\u003c"),
  "in JSON in JSON": (text) => JSON.stringify(JSON.stringify({ secret: text })),
  "escaped as \\x41": escaped("\\x", 16),
  "escaped as \\u0041": escaped("\\u00", 16),
  "escaped as \\u{41}": (text) => Array.from(text, (char) => `\\u{${char.charCodeAt(0).toString(16)}}`).join(""),
  "in octal": escaped("\\", 8),
  "in quoted-printable": escaped("=", 16),
  "escaped for HTML by names": (text) =>
    text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("\"", "&quot;"),
  "escaped for HTML by numbers": (text) => Array.from(text, (char) => `&#${char.charCodeAt(0)};`).join(""),
  "with zero-width characters": (text) => Array.from(text).join("\u200b"),
  "with soft hyphens and a mark of order": (text) => Array.from(text).join("\u00ad\ufeff"),
  "with line breaks": (text) => Array.from(text).join("\r\n"),
  "in Base64": base64,
  "in Base64 without padding": (text) => base64(text).replaceAll("=", ""),
  "in Base64 for URLs": (text) => Buffer.from(text).toString("base64url"),
  "in Base64, one byte after": (text) => base64(`x${text}`),
  "in Base64, two bytes after": (text) => base64(`xx${text}yyy`),
  "in Base64 with the whole body": (text) => base64(body(text)),
  "in Base64 with the whole body, for URLs": (text) => Buffer.from(body(text)).toString("base64url"),
  "in Base64 with the whole body, in lines": (text) => base64(body(text)).replaceAll(/.{76}/g, "$&\r\n"),
  "in Base64 in Base64": (text) => base64(base64(text)),
  "in hexadecimal": (text) => Buffer.from(text).toString("hex"),
  "in hexadecimal of capitals": (text) => Buffer.from(text).toString("hex").toUpperCase(),
  "as a dump": (text) => Array.from(Buffer.from(text), (byte) => byte.toString(16)).join(" ")
}

const Secret = Schema.String.check(Schema.isPattern(/^[!-~]{8,40}$/))

/** What of a shown text may not be there: each piece of the echo that is long enough to be of use. */
const piecesOf = (echo: string): ReadonlyArray<string> =>
  echo.split(/[\s\u200b\u00ad\ufeff]+/).filter((piece) => piece.length > 6)

describe("Text", () => {
  it.each(Object.entries(echoes))("invariant 9: what repeats a secret is withheld: %s", (_, echoOf) => {
    for (const value of [secret, "c4n4ry-s3cr3t/+=", "canarysecret", "0d6f1bd3-7c50-4f0a-8a4d-8a1c5f7e9b21"]) {
      const echo = echoOf(value)
      for (const text of [echo, `before ${echo} after`, `${"x".repeat(295)} ${echo}`]) {
        const shown = Text.prose(text, ["another~0ne~0f~them", value])
        for (const piece of piecesOf(echo)) assert.notInclude(shown, piece)
        assert.include(shown, "<red")
      }
    }
  })

  it.prop("invariant 9: any secret is withheld in any of these", { value: Secret, before: Schema.String }, (
    { before, value }
  ) => {
    for (const [name, echoOf] of Object.entries(echoes)) {
      const echo = echoOf(value)
      const shown = [Text.prose(`${before} ${echo}`, [value])]
      // As a code it could be one.
      if (name !== "in Base64 in Base64") shown.push(Text.identifier(echo, [value]))
      for (const line of shown) {
        for (const piece of piecesOf(echo)) assert.notInclude(line, piece, name)
      }
    }
  })

  it("invariant 9: a secret outside ASCII is found in Base64 and in hexadecimal", () => {
    for (const value of ["ключ-é", "秘密🔑"]) {
      for (const echo of [value, base64(value), Buffer.from(value).toString("hex")]) {
        assert.strictEqual(Text.printable(echo, [value]), "<redacted>")
      }
    }
  })

  it.each([
    "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value",
    "The client secret supplied for a confidential client is invalid.",
    "Client authentication failed (e.g., unknown client, no client authentication included).",
    "Grant type 'client_credentials' is not allowed for the client 'acme_partner-service'.",
    "Trace ID: 0d6f1bd3-7c50-4f0a-8a4d-8a1c5f7e9b21 Timestamp: 2030-01-01 00:00:00Z",
    "Service not found: https://api.acme.example/v2/",
    "Der Mandant ist gesperrt. Заблокировано."
  ])("what servers say is shown where the secret is as long as secrets are: %s", (text) => {
    assert.strictEqual(Text.prose(text, ["c4nary~S3CR3T.".repeat(3)]), text)
  })

  it("text without a secret is shown, and an empty secret is none", () => {
    const text = "100% of &unknown; \\ text + more"
    for (const show of [Text.printable, Text.prose]) {
      assert.strictEqual(show(text, ["", "s3cret-that-is-longer"]), text)
      assert.strictEqual(show("%41%42", [""]), "%41%42")
    }
    assert.strictEqual(Text.identifier("mock-debug-12", ["s3cret"]), "mock-debug-12")
    assert.strictEqual(Text.identifier(text, []), text)
  })

  it("invariant 12: control characters and line breaks are a space", () => {
    assert.strictEqual(Text.printable("\r\na\u001b[31m\r\nb\u0085c\u2028d\u009be\ud800f\t", []), "a [31m b c d e f")
  })

  it("invariant 12: characters that are invisible or turn the text around are left out", () => {
    const marks =
      "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\u200b\u200d\u2060\ufeff\u00ad\u115f"
    assert.strictEqual(Text.printable(`a${marks}b\u{e0041}c`, []), "abc")
  })

  it("invariant 12: text is bounded", () => {
    for (const show of [Text.printable, Text.prose]) {
      assert.strictEqual(show("x".repeat(300), []), "x".repeat(300))
      assert.strictEqual(show("x".repeat(301), ["s"]), `${"x".repeat(300)}...`)
      assert.strictEqual(show("x".repeat(5), [], 4), "xxxx...")
    }
    assert.strictEqual(Text.identifier("x".repeat(64), []), "x".repeat(64))
    assert.strictEqual(Text.identifier("x".repeat(65), []), "<redacted>")
  })

  it.prop(
    "invariant 12: whatever the text is, it is one bounded line",
    { text: Schema.String, secret: Schema.String },
    (
      { secret, text }
    ) => {
      for (const show of [Text.printable, Text.prose, Text.identifier]) {
        const line = show(text.repeat(20), [secret], 50)
        assert.isAtMost(line.length, 53)
        assert.notMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
      }
    }
  )

  it.each<[unknown, string | undefined]>([
    ["c4nary ~!", undefined],
    ["it's \"fine\"", undefined],
    [undefined, "the client id is missing"],
    [7, "the client id is missing"],
    ["", "the client id is empty"],
    [" c4nary", "the client id begins or ends with a space, line break or quote"],
    ["c4nary\r\n", "the client id begins or ends with a space, line break or quote"],
    ["'c4nary'", "the client id begins or ends with a space, line break or quote"],
    ["c4\nnary", "the client id has a character outside printable ASCII"],
    ["c4naré", "the client id has a character outside printable ASCII"]
  ])("invariant 9: what is wrong with the credential %j is said without repeating it", (value, expected) => {
    assert.strictEqual(Text.credentialProblem("client id", value), expected)
  })
})
