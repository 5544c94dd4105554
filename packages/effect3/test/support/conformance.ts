/** The cases of `TokenStoreConformance`, which is for Effect 4, for a store on Effect 3. */
import type { TokenStore } from "@effect-spotnana/effect3"
import { Duration, Effect, ExecutionStrategy, Exit, FiberSet, Option, Redacted, Scope, Stream } from "effect"
import type { PlainCase, PlainLease, PlainStore } from "../../../testing/test/support/plainStore.ts"

/** In a module that has its own `effect`. */
const onEffect4: { readonly cases: ReadonlyArray<PlainCase> } = await import(
  /* @vite-ignore */ new URL("../../../testing/test/support/plainCases.ts", import.meta.url).href
)

/** The operations and subscriptions that a case leaves behind end with the scope. */
const plain = (backend: TokenStore.Backend): Effect.Effect<PlainStore, never, Scope.Scope> =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const run = yield* FiberSet.makeRuntimePromise()
    return {
      read: (key) =>
        run(Effect.map(backend.read(key), (found) => {
          if (Option.isNone(found)) return
          const { payload, timeLeft, version } = found.value
          return { payload: Redacted.value(payload), version, timeLeft: Duration.toMillis(timeLeft) }
        })),
      lease: (key, time) =>
        run(Effect.map(backend.lease(key, Duration.millis(time)), (lease): PlainLease => {
          if (lease._tag === "Granted") return lease
          const timeLeft = Duration.toMillis(lease.timeLeft)
          if (lease._tag === "Held") return { ...lease, timeLeft }
          return { ...lease, timeLeft, failure: lease.failure && Redacted.value(lease.failure) }
        })),
      extend: (key, fence, time) => run(backend.extend(key, fence, Duration.millis(time))),
      write: (key, fence, payload, time) =>
        run(backend.write(key, fence, Redacted.make(payload), Duration.millis(time))),
      release: (key, fence, backoff) => {
        const own = backoff && { time: Duration.millis(backoff.time), failure: Redacted.make(backoff.failure) }
        return run(backend.release(key, fence, own))
      },
      changes: (key) => {
        const own = Effect.runSync(Scope.fork(scope, ExecutionStrategy.sequential))
        return {
          open: () => run(Effect.flatMap(Scope.extend(backend.changes(key), own), Stream.toAsyncIterableEffect)),
          close: () => run(Effect.uninterruptible(Scope.close(own, Exit.void)))
        }
      }
    }
  })

export const cases = onEffect4.cases.map(({ name, run }) => ({
  name,
  run: (backend: TokenStore.Backend, key: string, other = backend) =>
    Effect.all([plain(backend), plain(other)]).pipe(
      Effect.flatMap(([store, other]) => Effect.promise((signal) => run(store, key, other, signal))),
      Effect.scoped
    )
}))
