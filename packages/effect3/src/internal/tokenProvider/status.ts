import * as Instant from "@effect-spotnana/engine/Instant"
import * as Engine from "@effect-spotnana/engine/Lifecycle"
import type { State } from "@effect-spotnana/engine/State"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { AccessToken } from "../../AccessToken.ts"
import type { AuthError } from "../../AuthError.ts"
import type { Status } from "./service.ts"
import { withRetryAfter } from "./withRetryAfter.ts"

/** What a reader gets: a status, or nothing at the end. */
type Reader = Queue.Queue<Option.Option<Status>>

/** The queue of a reader that is too far behind loses its oldest element. `unsafeOffer` would lose the newest. */
const offer = (reader: Reader, status: Option.Option<Status>): void => void Effect.runSync(Queue.offer(reader, status))

const noReaders: ReadonlyArray<never> = []

/** The public status, and every change of it. */
export class StatusReport {
  /** The last failure, and its public form: the same object as long as it is the same failure. */
  #lastError: { readonly error: AuthError; readonly shown: AuthError } | undefined
  /** When the token in use was requested, and when it expires: the same objects as long as it is the same token. */
  #token:
    | { readonly startedAt: Instant.Instant; readonly issuedAt: DateTime.Utc; readonly expiresAt: DateTime.Utc }
    | undefined
  /** The changes that each reader has not read yet. */
  #readers: ReadonlyArray<Reader> = noReaders

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
    for (const reader of this.#readers) offer(reader, Option.some(status()))
  }

  changes(status: () => Status): Stream.Stream<Status> {
    const subscribe = Effect.acquireRelease(
      Effect.map(Queue.sliding<Option.Option<Status>>(64), (reader) => {
        this.#readers = [...this.#readers, reader]
        offer(reader, Option.some(status()))
        return reader
      }),
      (reader) =>
        Effect.sync(() => {
          this.#readers = this.#readers.filter((other) => other !== reader)
        })
    )
    return Stream.unwrapScoped(
      Effect.map(subscribe, (reader) => Stream.filterMapWhile(Stream.fromQueue(reader), (status) => status))
    )
  }

  close(): void {
    for (const reader of this.#readers) offer(reader, Option.none())
  }
}
