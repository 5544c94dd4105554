import * as Base64 from "effect/encoding/Base64"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"

const prefix = "whsec_"

/** The key in a secret: what follows `whsec_`, Base64-decoded. Undefined if it is not a secret, whatever its type. */
export const keyOf = (secret: unknown): Uint8Array | undefined => {
  const text = Redacted.isRedacted(secret) ? Redacted.value(secret) : undefined
  if (!Predicate.isString(text)) return undefined
  const bytes = Base64.decode(text.startsWith(prefix) ? text.slice(prefix.length) : text)
  return Result.isSuccess(bytes) && bytes.success.length > 0 ? bytes.success : undefined
}

/** What is wrong with the secret of this number, from 1 on. It does not repeat the secret. */
export const secretProblem = (number: number, of: number): string =>
  `a webhook secret is "${prefix}" and Base64, as Spotnana shows it, and ${
    of === 1 ? "this one is not" : `number ${number} of ${of} is not`
  }`
