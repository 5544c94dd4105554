/**
 * JSON from outside.
 *
 * @since 0.1.0
 */

// The engine is compiled without the types of any platform. Every platform has this one.
declare const TextDecoder: new(label: string, options: { readonly fatal: boolean }) => {
  decode(bytes: Uint8Array): string
}

/**
 * A JSON object with unknown fields.
 *
 * @category models
 * @since 0.1.0
 */
export type JsonObject = Readonly<Record<string, unknown>>

/**
 * What was read of a body: its bytes, or that there were too many.
 *
 * @category models
 * @since 0.1.0
 */
export type Body = Uint8Array | "TooLarge"

/**
 * Whether a value is an object, and neither an array nor `null`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/**
 * The JSON object in a text; undefined if it is not JSON or not an object.
 *
 * @category decoding
 * @since 0.1.0
 */
export const objectOfText = (text: string): JsonObject | undefined => {
  try {
    const json: unknown = JSON.parse(text)
    return isObject(json) ? json : undefined
  } catch {
    return undefined
  }
}

/**
 * The JSON object in a body; undefined if it is too large, not UTF-8, not JSON or
 * not an object.
 *
 * @category decoding
 * @since 0.1.0
 */
export const objectOfBody = (body: Body): JsonObject | undefined => {
  if (body === "TooLarge") return undefined
  try {
    return objectOfText(new TextDecoder("utf-8", { fatal: true }).decode(body))
  } catch {
    return undefined
  }
}
