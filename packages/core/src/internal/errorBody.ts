import * as Predicate from "effect/Predicate"
import type { ErrorMessage } from "../SpotnanaApiError.ts"
import { printable } from "./printable.ts"

type Json = Readonly<Record<string, unknown>>

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
  json: Json,
  secrets: ReadonlyArray<string>
): ErrorBody => {
  const first: unknown = Array.isArray(json["errorMessages"]) ? json["errorMessages"][0] : undefined
  const detail = Predicate.isObject(first) ? first as Json : json
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

const longestDetail = 4096

const objects = (value: unknown): ReadonlyArray<Json> =>
  Array.isArray(value) ? value.filter((entry): entry is Json => Predicate.isObject(entry)) : []

/** Every entry of Spotnana's error body: the fields that are known, where they are text. */
export const errorMessages = (json: Json, secrets: ReadonlyArray<string>): ReadonlyArray<ErrorMessage> => {
  const texts = <Name extends string>(entry: Json, ...names: ReadonlyArray<Name>) => {
    const known: { [_ in Name]?: string } = {}
    for (const name of names) {
      const value = entry[name]
      if (Predicate.isString(value) && value !== "") known[name] = printable(value, secrets, longestDetail)
    }
    return known
  }
  return objects(json["errorMessages"]).map((entry) => {
    const errorParameters = objects(entry["errorParameters"]).map((parameter) => texts(parameter, "name", "value"))
    return {
      ...texts(entry, "errorCode", "message", "errorDetail"),
      ...(errorParameters.length === 0 ? undefined : { errorParameters })
    }
  })
}
