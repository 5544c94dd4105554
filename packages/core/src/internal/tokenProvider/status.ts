import * as Instant from "@effect-spotnana/engine/Instant"
import * as Engine from "@effect-spotnana/engine/Lifecycle"
import type { State } from "@effect-spotnana/engine/State"
import type * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { AccessToken } from "../../AccessToken.ts"
import type { AuthError } from "../../AuthError.ts"
import { oncePer } from "../oncePer.ts"
import type { Status } from "./service.ts"
import { withRetryAfter } from "./withRetryAfter.ts"

/** The same object for the same token, so that a change of the token can be seen by it. */
const issuedAtOf = oncePer((at: Instant.Instant) => DateTime.makeUnsafe(at.wall))

const noReaders: ReadonlyArray<never> = []

/** The public status, and every change of it. */
export class StatusReport {
  /** The last failure, and its public form: the same object as long as it is the same failure. */
  #lastError: { readonly error: AuthError; readonly shown: AuthError } | undefined
  /** The changes that each reader has not read yet. */
  #readers: ReadonlyArray<Queue.Queue<Status, Cause.Done>> = noReaders

  of(state: State<AccessToken, AuthError>, now: Instant.Instant): Status {
    const { backoff, cached, lastError } = state
    if (lastError !== undefined && this.#lastError?.error !== lastError) {
      const left = backoff === undefined ? undefined : Instant.millisUntil(backoff.until, now)
      this.#lastError = { error: lastError, shown: withRetryAfter(lastError, left) }
    }
    const renewalAt = Engine.nextRenewalAt(state, now)
    return {
      state: Engine.status(state, now),
      issuedAt: cached && issuedAtOf(cached.startedAt),
      expiresAt: cached && DateTime.makeUnsafe(cached.startedAt.wall + cached.lifetime),
      nextRenewalAt: renewalAt && DateTime.makeUnsafe(renewalAt.wall),
      lastError: lastError && this.#lastError?.shown
    }
  }

  publish(status: () => Status): void {
    for (const reader of this.#readers) Queue.offerUnsafe(reader, status())
  }

  changes(status: () => Status): Stream.Stream<Status> {
    const subscribe = Effect.acquireRelease(
      Effect.map(Queue.sliding<Status, Cause.Done>(64), (reader) => {
        this.#readers = [...this.#readers, reader]
        Queue.offerUnsafe(reader, status())
        return reader
      }),
      (reader) =>
        Effect.sync(() => {
          this.#readers = this.#readers.filter((other) => other !== reader)
        })
    )
    return Stream.unwrap(Effect.map(subscribe, Stream.fromQueue))
  }

  close(): void {
    for (const reader of this.#readers) Queue.endUnsafe(reader)
  }
}
