import { Instant } from "@effect-spotnana/engine"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import type * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { instantOf } from "../instant.ts"
import type { Backend, Change, Lease, Stored } from "./contract.ts"

interface Slot {
  entry?: { readonly payload: Redacted.Redacted; readonly version: number; readonly until: Instant.Instant }
  /** It is a backoff if it has a failure. */
  lease?: {
    readonly fence: number
    readonly until: Instant.Instant
    readonly failure: Redacted.Redacted | undefined
  }
}

/** Everything is synchronous, and so atomic. */
export const makeMemory = (): Effect.Effect<Backend> =>
  Effect.gen(function*() {
    const clock = yield* Effect.clock
    const slots = new Map<string, Slot>()
    const changes = yield* PubSub.unbounded<{ readonly key: string; readonly change: Change }>()
    let fences = 0

    const until = (time: Duration.Duration) => Instant.after(instantOf(clock), Duration.toMillis(time))
    const left = (until: Instant.Instant) => Duration.millis(Instant.millisUntil(until, instantOf(clock)))
    const isOver = (what: { readonly until: Instant.Instant } | undefined) =>
      what === undefined || Instant.hasPassed(what.until, instantOf(clock))
    const slot = (key: string): Slot => {
      for (const [other, { entry, lease }] of slots) {
        if (other !== key && isOver(entry) && isOver(lease)) slots.delete(other)
      }
      const found = slots.get(key) ?? {}
      slots.set(key, found)
      if (isOver(found.entry)) delete found.entry
      if (isOver(found.lease)) delete found.lease
      return found
    }
    const isHeldBy = (lease: Slot["lease"], fence: number) => lease?.fence === fence && lease.failure === undefined
    const publish = (key: string, change: Change) => void changes.unsafeOffer({ key, change })

    return {
      name: "memory",
      read: (key) =>
        Effect.sync(() => {
          const { entry } = slot(key)
          return entry === undefined ? Option.none() : Option.some<Stored>({
            payload: entry.payload,
            version: entry.version,
            timeLeft: left(entry.until)
          })
        }),
      lease: (key, time) =>
        Effect.sync((): Lease => {
          const current = slot(key)
          if (current.lease !== undefined) {
            const { failure, until } = current.lease
            const timeLeft = left(until)
            return failure === undefined ? { _tag: "Held", timeLeft } : { _tag: "Backoff", timeLeft, failure }
          }
          const fence = ++fences
          current.lease = { fence, until: until(time), failure: undefined }
          return { _tag: "Granted", fence }
        }),
      extend: (key, fence, time) =>
        Effect.sync(() => {
          const current = slot(key)
          if (!isHeldBy(current.lease, fence)) return false
          current.lease = { fence, until: until(time), failure: undefined }
          return true
        }),
      write: (key, fence, payload, time) =>
        Effect.sync(() => {
          const current = slot(key)
          if (!isHeldBy(current.lease, fence)) return false
          current.entry = { payload, version: fence, until: until(time) }
          delete current.lease
          publish(key, { _tag: "Written", version: fence })
          return true
        }),
      release: (key, fence, backoff) =>
        Effect.sync(() => {
          const current = slot(key)
          if (!isHeldBy(current.lease, fence)) return
          if (backoff === undefined) delete current.lease
          else current.lease = { fence, until: until(backoff.time), failure: backoff.failure }
          publish(key, { _tag: "Released" })
        }),
      changes: (key) =>
        Effect.map(PubSub.subscribe(changes), (subscription) =>
          Stream.fromQueue(subscription).pipe(
            Stream.filter((changed) => changed.key === key),
            Stream.map(({ change }) => change)
          ))
    }
  })
