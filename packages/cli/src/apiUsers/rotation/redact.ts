import { prose, repeats } from "@effect-spotnana/engine/Text"

const redacted = "<redacted>"

/**
 * Takes the lines of a text one after the other, and returns what may be shown of each: everything but the words that
 * may contain the secret in some encoding. A line is not shown at all if it completes a secret that is broken into
 * several words or lines.
 */
export const makeRedact = (secret: string): (line: string) => string => {
  const secrets = [secret]
  // Hexadecimal is the longest encoding that `repeats` finds.
  const reach = 2 * new TextEncoder().encode(secret).length
  let before = ""
  return (line) => {
    const words = line.replace(/\S+/g, (word) => repeats(word, secrets) ? redacted : word)
    const text = before + words
    const isComplete = repeats(text, secrets)
    before = isComplete ? "" : text.replace(/\s/g, "").slice(-reach)
    const [indent = ""] = /^[ \t]*/.exec(words) ?? []
    return isComplete ? redacted : indent + prose(words, secrets, Infinity)
  }
}
