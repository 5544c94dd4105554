/**
 * What a store contains while no process may request a token: the reason, and
 * which processes it concerns. The clients for every version of Effect read it in
 * the same way.
 *
 * @since 0.1.0
 */
import type { JsonObject } from "./Json.ts"
import { isObject, objectOfText } from "./Json.ts"
import type { TokenFailure } from "./TokenFailure.ts"
import { unavailableReasons } from "./TokenFailure.ts"

/**
 * A stored failure.
 *
 * @category models
 * @since 0.1.0
 */
export interface StoredFailure {
  /** Why the last acquisition failed. */
  readonly failure: TokenFailure
  /** The keyed fingerprint of the credentials that were refused; undefined if the failure concerns every process. */
  readonly refused: string | undefined
  /** When the failure ends, in milliseconds since the Unix epoch. */
  readonly until: number
}

/** Is increased when an older version of the library could misread what is written. */
const version = 1

// Only these are written, and always in this order, so that the same failure is the same text.
const fields = [
  "version",
  "failure",
  "_tag",
  "message",
  "reason",
  "status",
  "code",
  "clientId",
  "retryAfter",
  "debugIdentifier",
  "refused",
  "until"
]

/**
 * The text that is stored, or encrypted and stored.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encode = ({ failure, refused, until }: StoredFailure): string =>
  JSON.stringify({ version, failure, refused, until }, fields)

/**
 * The failure in a stored text.
 *
 * **Details**
 *
 * Undefined for everything that {@link encode} does not write: text that is not
 * JSON, another version, fields that are missing or have another type, and an
 * unknown tag or reason. Unknown fields are ignored.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (text: string): StoredFailure | undefined => {
  const json = objectOfText(text)
  if (json === undefined || json["version"] !== version) return undefined
  const { failure, refused, until } = json
  if (!isText(refused) || typeof until !== "number" || !Number.isFinite(until)) return undefined
  const decoded = isObject(failure) ? decodeFailure(failure) : undefined
  return decoded === undefined ? undefined : { failure: decoded, refused, until }
}

/**
 * By how much the clocks of two processes may differ, in milliseconds. A backoff is short, and must not end before it
 * began.
 */
const clockTolerance = 10_000

/**
 * For how much longer the failure counts, in milliseconds; zero or less if it is
 * over. The time left in the store does not count beyond the end inside the
 * failure, so an old failure that is put back is over.
 *
 * @category getters
 * @since 0.1.0
 */
export const timeLeft = (
  { until }: StoredFailure,
  { now, storeTimeLeft }: {
    /** Milliseconds since the Unix epoch. */
    readonly now: number
    /** By the clock of the store, in milliseconds. */
    readonly storeTimeLeft: number
  }
): number => Math.min(storeTimeLeft, until + clockTolerance - now)

const isText = (value: unknown): value is string | undefined => value === undefined || typeof value === "string"

const isStatus = (value: unknown): value is number | undefined => value === undefined || Number.isInteger(value)

const isMillis = (value: unknown): value is number | undefined =>
  value === undefined || typeof value === "number" && value >= 0 && value < Infinity

const decodeFailure = (json: JsonObject): TokenFailure | undefined => {
  const { _tag, clientId, code, debugIdentifier, message, retryAfter, status } = json
  if (typeof message !== "string" || !isText(debugIdentifier) || !isStatus(status) || !isMillis(retryAfter)) {
    return undefined
  }
  switch (_tag) {
    case "InvalidCredentials":
      return isText(clientId) && isText(code)
        ? { _tag, message, clientId, code, debugIdentifier, status }
        : undefined
    case "TokenEndpointUnavailable": {
      const reason = unavailableReasons.find((known) => known === json["reason"])
      return reason === undefined ? undefined : { _tag, message, debugIdentifier, reason, retryAfter, status }
    }
    case "MalformedTokenResponse":
      return status === undefined ? undefined : { _tag, message, debugIdentifier, retryAfter, status }
    default:
      return undefined
  }
}

/**
 * What a cipher authenticates in addition to the stored text. So an entry that is
 * put under another key, or in the place of a token, cannot be decrypted.
 *
 * @category encoding
 * @since 0.1.0
 */
export const associatedData = (key: string): string => JSON.stringify(["spotnana failure", version, key])
