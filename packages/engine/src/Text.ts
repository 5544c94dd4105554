/**
 * Text from outside, cleaned for error messages.
 *
 * @since 0.1.0
 */

// The engine is compiled without the types of any platform. Every platform has these two.
declare const TextEncoder: new() => { encode(text: string): Uint8Array }
declare const btoa: (latin1: string) => string

const defaultLength = 300

// Control characters (among them line breaks and terminal escapes), line separators, and unpaired surrogates.
const control = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]+/gu
// They change the direction of the text, or are invisible between the characters of a word.
const invisible = /[\p{Cf}\p{Default_Ignorable_Code_Point}]+/gu
const blank = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]+/gu

/**
 * The Base64 digits of these bytes inside other bytes, at each of the three alignments: only the digits that do not
 * depend on the other bytes.
 */
const inBase64 = (bytes: Uint8Array): ReadonlyArray<string> =>
  ["", "\0", "\0\0"].map((before) => {
    const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")
    const shared = before === "" ? 0 : before.length + 1
    return btoa(before + text).slice(shared, Math.floor((before + text).length * 4 / 3))
  })

const inHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")

/**
 * Whether a text contains one of the secrets: as it is, in upper or lower case, in hexadecimal, or in Base64 of either
 * alphabet, also encoded together with other text. Line breaks, spaces and invisible characters in between do not hide
 * it.
 *
 * @category predicates
 * @since 0.1.0
 */
export const repeats = (text: string, secrets: ReadonlyArray<string>): boolean => {
  const whole = text.replace(blank, "")
  const inSmallLetters = whole.toLowerCase()
  const withOneAlphabet = whole.replaceAll("-", "+").replaceAll("_", "/")
  return secrets.some((secret) => {
    const bytes = new TextEncoder().encode(secret)
    const plain = secret.replace(blank, "").toLowerCase()
    return plain !== "" && (inSmallLetters.includes(plain) || inSmallLetters.includes(inHex(bytes)) ||
      // Fewer digits may occur in any word.
      inBase64(bytes).some((digits) => digits.length > 3 && withOneAlphabet.includes(digits)))
  })
}

/**
 * One line of a text, of limited length. Control characters and line breaks
 * become spaces. Characters that are invisible or change the direction of the
 * text are left out.
 *
 * **Details**
 *
 * A text that contains a secret, as {@link repeats} finds it, is withheld
 * completely. `maxLength` is 300 characters by default.
 *
 * @category converting
 * @since 0.1.0
 */
export const printable = (
  text: string,
  secrets: ReadonlyArray<string>,
  maxLength: number = defaultLength
): string => {
  if (repeats(text, secrets)) return redacted
  const line = text.replace(control, " ").replace(invisible, "").trim()
  return line.length > maxLength ? `${line.slice(0, maxLength)}...` : line
}

const redacted = "<redacted>"

// A Base64 text is broken into lines of 64 characters or more.
const longestLine = 64

const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi
const encoded = /[\p{N}\p{S}%&#\\]|\p{Ll}\p{Lu}/u

/**
 * A message from outside, such as from a server or the platform. It is like
 * {@link printable}, but each word that may contain a secret in an unknown
 * encoding is also withheld.
 *
 * **Details**
 *
 * No encoding makes a secret shorter, or makes it a word of plain letters. So a
 * word is withheld if it is at least as long as the shortest secret, or has 64
 * characters, and contains a digit, a symbol, `%`, `&`, `#`, a backslash, or a
 * capital letter after a small one. A UUID is not withheld.
 *
 * @category converting
 * @since 0.1.0
 */
export const prose = (text: string, secrets: ReadonlyArray<string>, maxLength: number = defaultLength): string => {
  const parts = secrets.flatMap((secret) => secret.split(" ")).filter((part) => part !== "")
  if (parts.length === 0) return printable(text, secrets, maxLength)
  const length = Math.min(longestLine, ...parts.map((part) => part.length))
  const line = printable(text, secrets, Infinity).replace(/\S+/g, (word) => {
    const rest = word.replace(uuid, "")
    return rest.length >= length && encoded.test(rest) ? redacted : word
  })
  return printable(line, [], maxLength)
}

const noIdentifier = /[%&\\]|=[0-9a-f]{2}|.{65}/i

/**
 * An error code or a correlation id. It is like {@link printable}, but it is withheld if it has more than 64
 * characters, or characters of an encoding (`%`, `&`, a backslash, `=41`). If it has several words, {@link prose}
 * applies.
 *
 * @category converting
 * @since 0.1.0
 */
export const identifier = (text: string, secrets: ReadonlyArray<string>, maxLength: number = defaultLength): string => {
  const line = printable(text, secrets, maxLength)
  return line.includes(" ") ? prose(text, secrets, maxLength) : noIdentifier.test(line) ? redacted : line
}

/**
 * What is wrong with a text that is to be sent as a credential, or undefined: it is absent or empty, begins or ends
 * with a space, line break or quote, or has a character outside printable ASCII. The message names it by `what`, and
 * does not contain it.
 *
 * @category predicates
 * @since 0.1.0
 */
export const credentialProblem = (what: string, value: unknown): string | undefined => {
  if (typeof value !== "string") return `the ${what} is missing`
  if (value === "") return `the ${what} is empty`
  if (/^\s|\s$|^(["']).*\1$/.test(value)) return `the ${what} begins or ends with a space, line break or quote`
  return /[^ -~]/.test(value) ? `the ${what} has a character outside printable ASCII` : undefined
}
