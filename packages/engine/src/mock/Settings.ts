/**
 * How the mock of Spotnana behaves where Spotnana's behaviour is a matter of configuration, or is not known.
 *
 * @since 0.1.0
 */

/**
 * The settings of a mock. `Duration` is what the line of the library counts time in; the mock itself reads milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Settings<Duration = number> {
  /** How long a token that is issued from now on is accepted. */
  readonly tokenLifetime: Duration
  /** What the token answer says of it: the truth in whole seconds, nothing at all, or any JSON value. */
  readonly expiresIn: unknown
  readonly tokenLatency: Duration
  readonly apiLatency: Duration
  /** How wrong client credentials are answered. */
  readonly refusal: { readonly status: 400 | 401 | 403; readonly body: "oauth2" | "spotnana" }
  /** The error code for a user's token that is not known. */
  readonly subjectRefusal: "invalid_request" | "invalid_grant"
  /** The pages that may embed `/embed`. */
  readonly embedders: ReadonlyArray<string>
  /** How many API users there may be for one more to be refused. */
  readonly apiUserQuota: number
}

/**
 * The settings that are not time, of a mock that is given none.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults = {
  expiresIn: "lifetime",
  refusal: { status: 401, body: "oauth2" },
  subjectRefusal: "invalid_request",
  embedders: ["http://localhost:*", "http://127.0.0.1:*"],
  apiUserQuota: 5
} as const satisfies Partial<Settings>

/**
 * What the token answer says of the lifetime, which is in milliseconds; undefined for nothing.
 *
 * @category combinators
 * @since 0.1.0
 */
export const announced = ({ expiresIn, tokenLifetime }: Pick<Settings, "expiresIn" | "tokenLifetime">): unknown => {
  if (expiresIn === "absent") return undefined
  if (expiresIn !== "lifetime") return expiresIn
  return Number.isFinite(tokenLifetime) ? Math.floor(tokenLifetime / 1_000) : undefined
}

/**
 * Replaces what `input` names; what is absent or `undefined` there stays. `null` is a value.
 *
 * @category combinators
 * @since 0.1.0
 */
export const merge = <A extends object>(self: A, input: { readonly [K in keyof A]?: A[K] | undefined }): A => {
  const merged = { ...self }
  for (const key of Object.keys(self) as Array<keyof A>) {
    const value = input[key]
    if (value !== undefined) merged[key] = value
  }
  return merged
}
