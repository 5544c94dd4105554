/**
 * What a store contains of a token. The clients for every version of Effect read it in the same way.
 *
 * @since 0.1.0
 */
import { objectOfText } from "./Json.ts"

/**
 * A stored token.
 *
 * @category models
 * @since 0.1.0
 */
export interface StoredToken {
  /** The token itself: printable ASCII, which is safe in a header. */
  readonly value: string
  /** How long it lives, counted from right before its request, in milliseconds. */
  readonly lifetime: number
  /** The granted scope, if the answer names it. */
  readonly scope: string | undefined
  /** When it expires, in milliseconds since the Unix epoch. */
  readonly expiresAt: number
  /** Its fencing token. A token with a larger number was requested later. */
  readonly fence: number
}

/** Is increased when an older version of the library could misread what is written. */
const version = 1

const isHeaderSafe = (value: unknown): value is string => typeof value === "string" && /^[\x21-\x7e]+$/.test(value)

/**
 * The text that is stored, or encrypted and stored.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encode = ({ expiresAt, fence, lifetime, scope, value }: StoredToken): string =>
  JSON.stringify({ version, value, lifetime, scope, expiresAt, fence })

/**
 * The token in a stored text.
 *
 * **Details**
 *
 * Undefined for everything that {@link encode} does not write: text that is not
 * JSON, another version, fields that are missing or of another type. Such a token
 * counts as absent. Unknown fields are ignored.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (text: string): StoredToken | undefined => {
  const json = objectOfText(text)
  if (json === undefined || json["version"] !== version) return undefined
  const { expiresAt, fence, lifetime, scope, value } = json
  return isHeaderSafe(value) &&
      typeof lifetime === "number" && lifetime > 0 && lifetime < Infinity &&
      (scope === undefined || typeof scope === "string") &&
      typeof expiresAt === "number" && Number.isFinite(expiresAt) &&
      typeof fence === "number" && Number.isSafeInteger(fence) && fence >= 0
    ? { value, lifetime, scope, expiresAt, fence }
    : undefined
}

/**
 * How much longer a token from a store lives, in milliseconds; zero if it has
 * expired.
 *
 * **Details**
 *
 * The store counts on its own clock, and `expiresAt` is by the clock of the
 * process that requested the token. The earlier end counts, and no token lives
 * for longer than its whole lifetime.
 *
 * @category getters
 * @since 0.1.0
 */
export const timeLeft = (token: StoredToken, { now, storeTimeLeft }: {
  /** The time that is left by the clock of the store, in milliseconds. */
  readonly storeTimeLeft: number
  /** Milliseconds since the Unix epoch. */
  readonly now: number
}): number => Math.max(0, Math.min(storeTimeLeft, token.expiresAt - now, token.lifetime))

/**
 * What a cipher authenticates in addition to the stored text. So an entry that is
 * put under another key, or put back after a newer one was written, cannot be
 * decrypted.
 *
 * @category encoding
 * @since 0.1.0
 */
export const associatedData = (key: string, fence: number): string =>
  JSON.stringify(["spotnana token", version, key, fence])
