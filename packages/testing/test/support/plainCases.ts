// The cases for a store without Effect, for the tests of the library for Effect 3, which cannot import Effect 4.
import { TokenStore } from "@effect-spotnana/core"
import { TokenStoreConformance } from "@effect-spotnana/testing"
import { Duration, Effect, Option, Redacted, Stream } from "effect"
import type { PlainCase, PlainStore } from "./plainStore.ts"

const failed = (cause: unknown) => new TokenStore.TokenStoreError({ message: (cause as Error).message, cause })
const attempt = <A>(operation: () => Promise<A>) => Effect.tryPromise({ try: operation, catch: failed })

const backendOf = (store: PlainStore): TokenStore.Backend => ({
  name: "plain",
  read: (key) =>
    Effect.map(attempt(() => store.read(key)), (found) => {
      if (found === undefined) return Option.none()
      const { payload, timeLeft, version } = found
      return Option.some({ payload: Redacted.make(payload), version, timeLeft: Duration.millis(timeLeft) })
    }),
  lease: (key, time) =>
    Effect.map(attempt(() => store.lease(key, Duration.toMillis(time))), (lease): TokenStore.Lease => {
      if (lease._tag === "Granted") return lease
      const timeLeft = Duration.millis(lease.timeLeft)
      if (lease._tag === "Held") return { ...lease, timeLeft }
      return { ...lease, timeLeft, failure: lease.failure === undefined ? undefined : Redacted.make(lease.failure) }
    }),
  extend: (key, fence, time) => attempt(() => store.extend(key, fence, Duration.toMillis(time))),
  write: (key, fence, payload, time) =>
    attempt(() => store.write(key, fence, Redacted.value(payload), Duration.toMillis(time))),
  release: (key, fence, backoff) => {
    const plain = backoff && { time: Duration.toMillis(backoff.time), failure: Redacted.value(backoff.failure) }
    return attempt(() => store.release(key, fence, plain))
  },
  changes: (key) =>
    Effect.gen(function*() {
      const { close, open } = store.changes(key)
      yield* Effect.addFinalizer(() => Effect.promise(close))
      return Stream.fromAsyncIterable(yield* attempt(open), failed)
    })
})

export const cases: ReadonlyArray<PlainCase> = TokenStoreConformance.cases.map(({ name, run }) => ({
  name,
  run: (store, key, other, signal) => Effect.runPromise(run(backendOf(store), key, backendOf(other)), { signal })
}))
