import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import type * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import type { Backend, Lease, Stored } from "../TokenStore.ts"
import { after, TwoClocks } from "./twoClocks.ts"
import type { Instant } from "./twoClocks.ts"

interface Slot {
  entry?: { readonly payload: Redacted.Redacted; readonly version: number; readonly until: Instant; rejected: boolean }
  lease?: { readonly fence: number; readonly until: Instant; readonly note: Redacted.Redacted | undefined }
}

/** Everything is synchronous, and so atomic. */
export const makeMemory = (): Effect.Effect<Backend> =>
  Effect.gen(function*() {
    const clocks = new TwoClocks(yield* Clock.Clock)
    const slots = new Map<string, Slot>()
    const changes = yield* PubSub.unbounded<string>()
    let fences = 0

    const until = (time: Duration.Duration) => after(clocks.now(), Duration.toMillis(time))
    const left = (until: Instant) => Duration.millis(clocks.left(until))
    const isOver = (what: { readonly until: Instant } | undefined) => what === undefined || !clocks.isBefore(what.until)
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
    const told = (key: string) => void PubSub.publishUnsafe(changes, key)
    const isHolder = (lease: Slot["lease"], fence: number) => lease?.fence === fence && lease.note === undefined

    return {
      name: "memory",
      read: (key) =>
        Effect.sync(() => {
          const { entry } = slot(key)
          return entry === undefined ? Option.none() : Option.some<Stored>({
            payload: entry.payload,
            version: entry.version,
            timeLeft: left(entry.until),
            rejected: entry.rejected
          })
        }),
      lease: (key, time) =>
        Effect.sync((): Lease => {
          const current = slot(key)
          if (current.lease !== undefined) {
            return { _tag: "Held", timeLeft: left(current.lease.until), note: current.lease.note }
          }
          const fence = ++fences
          current.lease = { fence, until: until(time), note: undefined }
          return { _tag: "Granted", fence }
        }),
      extend: (key, fence, time) =>
        Effect.sync(() => {
          const current = slot(key)
          if (!isHolder(current.lease, fence)) return false
          current.lease = { fence, until: until(time), note: undefined }
          return true
        }),
      write: (key, fence, payload, time) =>
        Effect.sync(() => {
          const current = slot(key)
          if (!isHolder(current.lease, fence)) return false
          current.entry = { payload, version: fence, until: until(time), rejected: false }
          delete current.lease
          told(key)
          return true
        }),
      release: (key, fence, pause) =>
        Effect.sync(() => {
          const current = slot(key)
          if (!isHolder(current.lease, fence)) return
          if (pause === undefined) delete current.lease
          else current.lease = { fence, until: until(pause.time), note: pause.note }
          told(key)
        }),
      reject: (key, version) =>
        Effect.sync(() => {
          const { entry } = slot(key)
          if (entry?.version !== version) return
          entry.rejected = true
          told(key)
        }),
      changes: (key) =>
        Effect.map(PubSub.subscribe(changes), (subscription) =>
          Stream.filter(Stream.fromSubscription(subscription), (changed) => changed === key))
    }
  })
