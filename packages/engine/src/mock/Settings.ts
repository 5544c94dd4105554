/**
 * The settings of the mock of Spotnana, for behaviour of Spotnana that can be configured or is not known.
 *
 * @since 0.1.0
 */

/**
 * The settings of a mock. `Duration` is the type of durations in the package. The
 * mock itself reads milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Settings<Duration = number> {
  /** How long a token that is issued from now on is accepted. */
  readonly tokenLifetime: Duration
  /** `expires_in` of the token answer: the real lifetime in whole seconds, nothing, or any JSON value. */
  readonly expiresIn: unknown
  readonly tokenLatency: Duration
  readonly apiLatency: Duration
  /** How wrong client credentials are answered. */
  readonly refusal: { readonly status: 400 | 401 | 403; readonly body: "oauth2" | "spotnana" }
  /** The error code for a user's token that is not known. */
  readonly subjectRefusal: "invalid_request" | "invalid_grant"
  /** The pages that may embed `/embed`. */
  readonly embedders: ReadonlyArray<string>
  /** The largest number of API users. One more is refused. */
  readonly apiUserQuota: number
}

/**
 * The default settings, without the durations.
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
 * `expires_in` of the token answer; undefined if it has none. The lifetime is in
 * milliseconds.
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
 * Replaces the settings in `input`. What is absent or `undefined` there stays.
 * `null` is a value.
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
