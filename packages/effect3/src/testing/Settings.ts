/**
 * The settings of the mock, for behaviour of Spotnana that can be configured or is not known.
 *
 * @since 0.1.0
 */
import * as Mock from "@effect-spotnana/engine/mock/Settings"
import * as Duration from "effect/Duration"

/**
 * Any JSON value.
 *
 * @category models
 * @since 0.1.0
 */
export type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [name: string]: Json }

/**
 * How wrong client credentials are answered.
 *
 * **Details**
 *
 * Spotnana's own answer is not known, so all six combinations are possible.
 * `oauth2` is RFC 6749, section 5.2: `{ error: "invalid_client",
 * error_description }`. `spotnana` is Spotnana's error body.
 *
 * @category models
 * @since 0.1.0
 */
export interface Refusal {
  readonly status: 400 | 401 | 403
  readonly body: "oauth2" | "spotnana"
}

/**
 * The settings of a mock.
 *
 * @category models
 * @since 0.1.0
 */
export interface Settings {
  /** How long a token that is issued from now on is accepted. Default: one hour. */
  readonly tokenLifetime: Duration.Duration
  /**
   * `expires_in` of the token answer: the real lifetime in whole seconds, rounded down (`"lifetime"`, the default),
   * nothing (`"absent"`), or any JSON value, as it is. With an infinite lifetime it is absent.
   */
  readonly expiresIn: "lifetime" | "absent" | Json
  /** How long an answer of the token endpoint is delayed. Default: not at all. */
  readonly tokenLatency: Duration.Duration
  /** How long an answer of the API is delayed. Default: not at all. */
  readonly apiLatency: Duration.Duration
  /** How wrong client credentials are answered. Default: 401 with an OAuth 2.0 body. */
  readonly refusal: Refusal
  /** The error code for a user's token that is not known (RFC 8693, section 2.2.2). Default: `invalid_request`. */
  readonly subjectRefusal: "invalid_request" | "invalid_grant"
  /**
   * The pages that may embed `/embed`, in the format of `frame-ancestors` in a Content-Security-Policy. Default:
   * `http://localhost:*` and `http://127.0.0.1:*`, the pages of this machine.
   */
  readonly embedders: ReadonlyArray<string>
  /** The largest number of API users. One more is refused with 409. Default: 5. */
  readonly apiUserQuota: number
}

/**
 * The settings to change. What is absent or `undefined` stays as it is.
 *
 * @category models
 * @since 0.1.0
 */
export interface Input {
  readonly tokenLifetime?: Duration.DurationInput | undefined
  readonly expiresIn?: Settings["expiresIn"] | undefined
  readonly tokenLatency?: Duration.DurationInput | undefined
  readonly apiLatency?: Duration.DurationInput | undefined
  readonly refusal?: Partial<Refusal> | undefined
  readonly subjectRefusal?: Settings["subjectRefusal"] | undefined
  readonly embedders?: ReadonlyArray<string> | undefined
  readonly apiUserQuota?: number | undefined
}

/**
 * The default settings of a mock.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults: Settings = {
  ...Mock.defaults,
  tokenLifetime: Duration.hours(1),
  tokenLatency: Duration.zero,
  apiLatency: Duration.zero
}

/**
 * Replaces the settings in `input`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const merge = (self: Settings, input: Input): Settings =>
  Mock.merge<Settings>(self, {
    ...input,
    tokenLifetime: duration(input.tokenLifetime),
    tokenLatency: duration(input.tokenLatency),
    apiLatency: duration(input.apiLatency),
    refusal: Mock.merge<Refusal>(self.refusal, input.refusal ?? {})
  })

const duration = (input: Duration.DurationInput | undefined): Duration.Duration | undefined =>
  input === undefined ? undefined : Duration.decode(input)
