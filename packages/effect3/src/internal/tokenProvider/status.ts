import * as Instant from "@effect-spotnana/engine/Instant"
import * as Engine from "@effect-spotnana/engine/Lifecycle"
import type { State } from "@effect-spotnana/engine/State"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import type { AccessToken } from "../../AccessToken.ts"
import type { AuthError } from "../../AuthError.ts"
import type { Status } from "./service.ts"
import { withRetryAfter } from "./withRetryAfter.ts"

/** The public status, and every change of it. */
export class StatusReport {
  /** The last failure, and its public form: the same object as long as it is the same failure. */
  #lastError: { readonly error: AuthError; readonly shown: AuthError } | undefined
  /** When the token in use was requested, and when it expires: the same objects as long as it is the same token. */
  #token:
    | { readonly startedAt: Instant.Instant; readonly issuedAt: DateTime.Utc; readonly expiresAt: DateTime.Utc }
    | undefined
  /** Made for the first reader of the changes. */
  #changes: PubSub.PubSub<Status> | undefined

  of(state: State<AccessToken, AuthError>, now: Instant.Instant): Status {
    const { backoff, cached, lastError } = state
    if (lastError !== undefined && this.#lastError?.error !== lastError) {
      const left = backoff === undefined ? undefined : Instant.millisUntil(backoff.until, now)
      this.#lastError = { error: lastError, shown: withRetryAfter(lastError, left) }
    }
    if (cached !== undefined && this.#token?.startedAt !== cached.startedAt) {
      const { lifetime, startedAt } = cached
      const issuedAt = DateTime.unsafeMake(startedAt.wall)
      this.#token = { startedAt, issuedAt, expiresAt: DateTime.addDuration(issuedAt, lifetime) }
    }
    const renewalAt = Engine.nextRenewalAt(state, now)
    return {
      state: Engine.status(state, now),
      issuedAt: this.#token?.issuedAt,
      expiresAt: this.#token?.expiresAt,
      nextRenewalAt: renewalAt === undefined ? undefined : DateTime.unsafeMake(renewalAt.wall),
      lastError: lastError === undefined ? undefined : this.#lastError?.shown
    }
  }

  publish(status: () => Status): void {
    if (this.#changes !== undefined) this.#changes.unsafeOffer(status())
  }

  changes(status: () => Status): Stream.Stream<Status> {
    const changes = Effect.suspend(() =>
      this.#changes !== undefined
        ? Effect.succeed(this.#changes)
        : Effect.map(PubSub.sliding<Status>({ capacity: 64, replay: 1 }), (made) => {
          if (this.#changes !== undefined) return this.#changes
          this.#changes = made
          this.publish(status)
          return made
        })
    )
    return Stream.unwrap(Effect.map(changes, (pubsub) => Stream.fromPubSub(pubsub)))
  }

  close(): Effect.Effect<void> {
    return this.#changes === undefined ? Effect.void : PubSub.shutdown(this.#changes)
  }
}
