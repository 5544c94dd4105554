/**
 * Text from outside, made fit for error messages.
 *
 * @since 0.1.0
 */

// The engine is compiled without the types of any platform. Every platform has this one.
declare const TextEncoder: new() => { encode(text: string): Uint8Array }

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

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/** Without padding: what contains it with padding contains it without. */
const base64 = (bytes: Uint8Array): string => {
  let text = ""
  for (let bit = 0; bit < 8 * bytes.length; bit += 6) {
    const index = bit >> 3
    const pair = bytes[index]! << 8 | (bytes[index + 1] ?? 0)
    text += base64Digits[pair >> (10 - bit % 8) & 63]
  }
  return text
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")

/**
 * Whether a text repeats one of the secrets: as it is, percent-encoded, form-encoded, escaped for JSON or HTML, in
 * Base64 of either alphabet, in hexadecimal.
 *
 * @category predicates
 * @since 0.1.0
 */
export const repeats = (text: string, secrets: ReadonlyArray<string>): boolean => {
  const texts = readings.map((read) => read(text))
  const withOneAlphabet = text.replaceAll("-", "+").replaceAll("_", "/")
  return secrets.some((secret) => {
    if (secret === "") return false
    const bytes = new TextEncoder().encode(secret)
    return texts.some((read) => read.includes(secret)) ||
      withOneAlphabet.includes(base64(bytes)) ||
      text.toLowerCase().includes(hex(bytes))
  })
}

/**
 * One bounded line of a text: control characters and line breaks are a space each.
 *
 * **Details**
 *
 * A text that repeats a secret, as servers do, is withheld whole. `maxLength` is
 * 300 characters by default.
 *
 * @category converting
 * @since 0.1.0
 */
export const printable = (text: string, secrets: ReadonlyArray<string>, maxLength: number = longest): string => {
  if (repeats(text, secrets)) return "<redacted>"
  const line = text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]+/g, " ").trim()
  return line.length > maxLength ? `${line.slice(0, maxLength)}…` : line
}
