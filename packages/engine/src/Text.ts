/**
 * Text from outside, made fit for error messages.
 *
 * @since 0.1.0
 */

// The engine is compiled without the types of any platform. Every platform has this one.
declare const TextEncoder: new() => { encode(text: string): Uint8Array }

const defaultLength = 300

// Control characters (line breaks and the escapes of a terminal among them), separators of lines, halves of characters.
const control = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]+/gu
// They turn the text around, or stand unseen between the characters of a word.
const invisible = /[\p{Cf}\p{Default_Ignorable_Code_Point}]+/gu
const blank = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]+/gu

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/** What Base64 makes of these bytes inside of others, at each of the three alignments: the digits that depend on nothing else. */
const inBase64 = (bytes: Uint8Array): ReadonlyArray<string> =>
  [0, 2, 4].map((from) => {
    let text = ""
    for (let bit = from; bit + 6 <= 8 * bytes.length; bit += 6) {
      const index = bit >> 3
      const pair = bytes[index]! << 8 | (bytes[index + 1] ?? 0)
      text += base64Digits[pair >> (10 - bit % 8) & 63]
    }
    return text
  })

const inHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")

/**
 * Whether a text repeats one of the secrets: as it is, in either case, in hexadecimal, or in Base64 of either alphabet, alone or
 * with what is around it. Line breaks, spaces and invisible characters in between do not hide it.
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
      // Fewer digits are in any word.
      inBase64(bytes).some((digits) => digits.length > 3 && withOneAlphabet.includes(digits)))
  })
}

/**
 * One bounded line of a text. Control characters and line breaks are a space each, characters that are invisible or turn
 * the text around are left out.
 *
 * **Details**
 *
 * A text that {@link repeats} a secret, as servers do, is withheld whole. `maxLength` is 300 characters by default.
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
  return line.length > maxLength ? `${line.slice(0, maxLength)}…` : line
}

const redacted = "<redacted>"

// A Base64 text is broken into lines of 64 characters or more.
const longestLine = 64

const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi
const encoded = /[\p{N}\p{S}%&#\\]|\p{Ll}\p{Lu}/u

/**
 * What somebody else says in words, such as a server or the platform: like {@link printable}, and each word is withheld
 * that may have a secret in it in an encoding that nobody thought of.
 *
 * **Details**
 *
 * No encoding makes a secret shorter, and none leaves it a word of plain letters. So a word is withheld that is as long as
 * the shortest secret, or has 64 characters, and has a digit, a symbol, `%`, `&`, `#`, a backslash, or a capital after a
 * small letter. A UUID does not count.
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
 * An error code or a correlation id: like {@link printable}, and withheld if it is none, since it has more than 64 characters
 * or those of an encoding (`%`, `&`, a backslash, `=41`). One of several words is {@link prose}.
 *
 * @category converting
 * @since 0.1.0
 */
export const identifier = (text: string, secrets: ReadonlyArray<string>, maxLength: number = defaultLength): string => {
  const line = printable(text, secrets, maxLength)
  return line.includes(" ") ? prose(text, secrets, maxLength) : noIdentifier.test(line) ? redacted : line
}

/**
 * What is wrong with a text that is to be sent as a credential, if anything is: absent, empty, with a space, line break or
 * quote at an end, or with a character outside printable ASCII. Says `what` it is, and repeats nothing of it.
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
