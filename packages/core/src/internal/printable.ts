import * as Base64 from "effect/encoding/Base64"
import * as Hex from "effect/encoding/Hex"

const longest = 300

const character = (digits: string, radix: number): string => String.fromCharCode(parseInt(digits, radix))

const entities: Readonly<Record<string, string>> = { amp: "&", apos: "'", gt: ">", lt: "<", quot: "\"" }

// Secrets are ASCII, so a byte is a character.
const percentDecode = (text: string): string => text.replace(/%([0-9a-f]{2})/gi, (_, hex) => character(hex, 16))

/** The text as each of the encodings would have it that a server may echo a secret in. */
const readings: ReadonlyArray<(text: string) => string> = [
  (text) => text,
  percentDecode,
  (text) => percentDecode(text.replaceAll("+", " ")),
  (text) =>
    text.replace(/\\(?:u([0-9a-f]{4})|(.))/gi, (_, hex, escaped) => hex === undefined ? escaped : character(hex, 16)),
  (text) =>
    text.replace(
      /&(?:#x([0-9a-f]+)|#(\d+)|([a-z]+));/gi,
      (all, hex, decimal, name) =>
        hex === undefined
          ? decimal === undefined ? entities[name] ?? all : character(decimal, 10)
          : character(hex, 16)
    )
]

const repeatsOne = (text: string, secrets: ReadonlyArray<string>): boolean => {
  const texts = readings.map((read) => read(text))
  return secrets.some((secret) =>
    secret !== "" && (
      texts.some((read) => read.includes(secret)) ||
      text.includes(Base64.encode(secret)) ||
      text.toLowerCase().includes(Hex.encode(secret))
    )
  )
}

/**
 * Text from outside made fit for an error message: one line and bounded. Text that repeats a secret, as servers do, in
 * whatever encoding, is withheld whole.
 */
export const printable = (text: string, secrets: ReadonlyArray<string>, maxLength = longest): string => {
  if (repeatsOne(text, secrets)) return "<redacted>"
  const line = text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]+/g, " ").trim()
  return line.length > maxLength ? `${line.slice(0, maxLength)}…` : line
}
