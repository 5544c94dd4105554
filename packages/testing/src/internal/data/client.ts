import type * as Redacted from "effect/Redacted"

/**
 * An API user of the mock, with the secret that was valid when it was asked for.
 *
 * @category models
 * @since 0.1.0
 */
export interface Client {
  readonly clientId: string
  readonly clientSecret: Redacted.Redacted
}
