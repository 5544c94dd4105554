import { prose, repeats } from "@effect-spotnana/engine/Text"

const redacted = "<redacted>"

/**
 * So many consecutive characters of the secret are not shown. The secret is random, so other text has so many of them
 * very rarely.
 */
const least = 8

/** Every part of the secret of that length. */
const partsOf = (secret: string): ReadonlyArray<string> =>
  Array.from({ length: Math.max(0, secret.length - least + 1) }, (_, start) => secret.slice(start, start + least))

const inRadix = (part: string, radix: number): ReadonlyArray<string> =>
  Array.from(new TextEncoder().encode(part), (byte) => byte.toString(radix))

/** A form in which programs print bytes. `of` reduces a line to what `encode` makes of a part. */
interface Form {
  readonly of: (line: string) => string
  readonly encode: (part: string) => string
}

const asText: Form = {
  of: (line) => line.toLowerCase(),
  encode: (part) => part.toLowerCase()
}

/** As `hexdump -C`, `xxd` and `od -c` print bytes, and as programs print an array of numbers. */
const dumps: ReadonlyArray<Form> = [
  { of: (line) => line.toLowerCase().replace(/\s/g, ""), encode: asText.encode },
  {
    of: (line) => line.toLowerCase().replace(/0x|[^0-9a-f]/g, ""),
    encode: (part) => inRadix(part, 16).map((digits) => digits.padStart(2, "0")).join("")
  },
  ...[8, 10].map((radix): Form => ({
    of: (line) => ` ${(line.match(/\d+/g) ?? []).map((digits) => digits.replace(/^0+(?=\d)/, "")).join(" ")} `,
    encode: (part) => ` ${inRadix(part, radix).join(" ")} `
  }))
]

/** Whether a text has a part of the secret in this form. */
const hasPart = (parts: ReadonlyArray<string>) => ({ encode, of }: Form): (text: string) => boolean => {
  const encoded = parts.map(encode)
  return (text) => {
    const reduced = of(text)
    return encoded.some((part) => reduced.includes(part))
  }
}

/**
 * Takes the lines of a text one after the other, and returns what may be shown of each: everything but the words that
 * may contain the secret in some encoding, or a part of it. A line is not shown at all if it contains a part of the
 * secret in single bytes, or completes a secret that is broken into several words or lines.
 */
export const makeRedact = (secret: string): (line: string) => string => {
  const secrets = [secret]
  const parts = partsOf(secret)
  const isPartial = hasPart(parts)(asText)
  const isDump = dumps.map(hasPart(parts))
  // Hexadecimal is the longest encoding that `repeats` finds.
  const reach = 2 * new TextEncoder().encode(secret).length
  let before = ""
  return (line) => {
    const others = line.replace(/\S+/g, (word) => repeats(word, secrets) ? redacted : word)
    const text = before + others
    const isComplete = repeats(text, secrets)
    before = isComplete ? "" : text.replace(/\s/g, "").slice(-reach)
    const words = others.replace(/\S+/g, (word) => isPartial(word) ? redacted : word)
    if (isComplete || isDump.some((isOne) => isOne(words))) return redacted
    const [indent = ""] = /^[ \t]*/.exec(words) ?? []
    return indent + prose(words, secrets, Infinity)
  }
}
