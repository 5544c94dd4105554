import type * as Registry from "@effect-spotnana/engine/mock/Registry"
import * as Redacted from "effect/Redacted"

/**
 * An API user of the mock, with the secret that was valid when it was read.
 *
 * @category models
 * @since 0.1.0
 */
export interface Client {
  readonly clientId: string
  readonly clientSecret: Redacted.Redacted
}

/** A client as a test gets it: printing it does not show the secret. */
export const fromRegistry = ({ clientId, clientSecret }: Registry.Client): Client => ({
  clientId,
  clientSecret: Redacted.make(clientSecret, { label: "mock-secret" })
})
