import * as Base64 from "effect/encoding/Base64"
import * as Hex from "effect/encoding/Hex"

const maxLength = 300

const forms = (secret: string): ReadonlyArray<string> => [
  secret,
  encodeURIComponent(secret),
  new URLSearchParams([["", secret]]).toString().slice(1),
  JSON.stringify(secret).slice(1, -1),
  Base64.encode(secret),
  Hex.encode(secret)
]

/**
 * Text from outside made fit for an error message: one line, bounded, and
 * without our secrets, which servers do echo.
 */
export const printable = (text: string, secrets: ReadonlyArray<string>): string => {
  let out = text
  for (const secret of secrets) {
    if (secret === "") continue
    for (const form of forms(secret)) out = out.replaceAll(form, "<redacted>")
  }
  out = out.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]+/g, " ").trim()
  return out.length > maxLength ? `${out.slice(0, maxLength)}…` : out
}
