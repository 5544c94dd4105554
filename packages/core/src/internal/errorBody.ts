import * as Predicate from "effect/Predicate"
import { printable } from "./printable.ts"

/** What an error body says, whichever of the known shapes it has. */
export interface ErrorBody {
  /** `error` of RFC 6749 §5.2, or Spotnana's `errorCode`. */
  readonly code: string | undefined
  /** `error_description`, or Spotnana's `message`. */
  readonly description: string | undefined
  /** Spotnana's correlation id. */
  readonly debugIdentifier: string | undefined
}

/**
 * Reads RFC 6749 §5.2 (`{ error, error_description }`), Spotnana's error body
 * (`{ debugIdentifier, errorMessages: [{ errorCode, message }] }`) and its bare
 * forms (`{ errorCode }`, `{ message }`). Every field is optional and untrusted.
 */
export const errorBody = (
  json: Readonly<Record<string, unknown>>,
  secrets: ReadonlyArray<string>
): ErrorBody => {
  const first: unknown = Array.isArray(json["errorMessages"]) ? json["errorMessages"][0] : undefined
  const detail = Predicate.isObject(first) ? first as Readonly<Record<string, unknown>> : json
  const text = (...candidates: ReadonlyArray<unknown>) => {
    const found = candidates.find((candidate) => Predicate.isString(candidate) && candidate !== "")
    return found === undefined ? undefined : printable(found as string, secrets)
  }
  return {
    code: text(json["error"], detail["errorCode"]),
    description: text(json["error_description"], detail["message"], detail["errorDetail"]),
    debugIdentifier: text(json["debugIdentifier"])
  }
}
