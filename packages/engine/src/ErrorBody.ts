/**
 * What an error body says, in each known form.
 *
 * @since 0.1.0
 */
import type { JsonObject } from "./Json.ts"
import { isObject } from "./Json.ts"
import { identifier, prose } from "./Text.ts"

/**
 * What an error body says, cleaned for messages.
 *
 * @category models
 * @since 0.1.0
 */
export interface ErrorBody {
  /** `error` of RFC 6749 §5.2, or Spotnana's `errorCode`. */
  readonly code: string | undefined
  /** `error_description`, or Spotnana's `message` or `errorDetail`. */
  readonly description: string | undefined
  /** Spotnana's correlation id. */
  readonly debugIdentifier: string | undefined
}

/**
 * One entry of Spotnana's error body.
 *
 * @category models
 * @since 0.1.0
 */
export interface ErrorMessage {
  readonly errorCode?: string
  readonly message?: string
  readonly errorDetail?: string
  readonly errorParameters?: ReadonlyArray<{ readonly name?: string; readonly value?: string }>
}

/**
 * Reads RFC 6749 §5.2 (`{ error, error_description }`), Spotnana's error body
 * (`{ debugIdentifier, errorMessages: [{ errorCode, message }] }`) and its short
 * forms (`{ errorCode }`, `{ message }`).
 *
 * **Details**
 *
 * Every field is optional and untrusted. `Text.prose` cleans it, and
 * `Text.identifier` cleans codes and `debugIdentifier`. A field that contains one
 * of `secrets` is withheld.
 *
 * @category decoding
 * @since 0.1.0
 */
export const parse = (json: JsonObject, secrets: ReadonlyArray<string>): ErrorBody => {
  const first: unknown = Array.isArray(json["errorMessages"]) ? json["errorMessages"][0] : undefined
  const detail = isObject(first) ? first : json
  const text = (clean: typeof prose, ...candidates: ReadonlyArray<unknown>): string | undefined => {
    const found = candidates.find((candidate) => typeof candidate === "string" && candidate !== "")
    return typeof found === "string" ? clean(found, secrets) : undefined
  }
  return {
    code: text(identifier, json["error"], detail["errorCode"]),
    description: text(prose, json["error_description"], detail["message"], detail["errorDetail"]),
    debugIdentifier: text(identifier, json["debugIdentifier"])
  }
}

/**
 * Code and description together: `invalid_client: no such client`. Empty if the
 * body has neither.
 *
 * @category converting
 * @since 0.1.0
 */
export const summary = ({ code, description }: ErrorBody): string =>
  [code, description].filter((part) => part !== undefined).join(": ")

const longestDetail = 4096

const objects = (value: unknown): ReadonlyArray<JsonObject> => Array.isArray(value) ? value.filter(isObject) : []

/**
 * Every entry of Spotnana's error body: the fields that are known, where they are text, at most 4096 characters each.
 *
 * @category decoding
 * @since 0.1.0
 */
export const errorMessages = (json: JsonObject, secrets: ReadonlyArray<string>): ReadonlyArray<ErrorMessage> => {
  const texts = <Name extends string>(entry: JsonObject, ...names: ReadonlyArray<Name>) => {
    const known: { [_ in Name]?: string } = {}
    for (const name of names) {
      const value = entry[name]
      if (typeof value === "string" && value !== "") {
        known[name] = (name === "errorCode" ? identifier : prose)(value, secrets, longestDetail)
      }
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
