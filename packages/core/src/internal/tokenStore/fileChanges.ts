import * as Stored from "@effect-spotnana/engine/StoredInFiles"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { PlatformError } from "effect/PlatformError"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Change, TokenStoreError } from "./contract.ts"
import { isAbsent, isTaken } from "./fileDirectory.ts"
import type { FileDirectory } from "./fileDirectory.ts"

/** Publishes the changes of all keys, and watches for the changes of other processes. The watch ends with the scope. */
export const makeFileChanges = ({ failed, fs, makePrivate, placeOf, remove }: FileDirectory, scope: Scope.Scope) => {
  const changes = placeOf("changes")

  /** Notifies the other processes. A process that misses it finds the change when it reads the store. */
  const tell = (folder: string, what: Stored.Told, fence: number): Effect.Effect<void> =>
    Effect.gen(function*() {
      yield* makePrivate(changes)
      // "wx" does not follow a link.
      yield* fs.writeFileString(placeOf("changes", Stored.changeName(folder, what, fence)), "", {
        flag: "wx",
        mode: 0o600
      }).pipe(Effect.catchIf(isTaken, () => Effect.void))
      const names = yield* fs.readDirectory(changes)
      for (const name of Stored.voidChanges(names, folder, what, fence)) yield* remove(placeOf("changes", name))
    }).pipe(Effect.ignore)

  const told = fs.readDirectory(changes).pipe(
    Effect.map(Stored.changesOf),
    Effect.catchIf(isAbsent, () => Effect.succeed(undefined))
  )
  let known = Stored.changesOf([])
  // When the directory last changed, and whether it was read after that. A change at the same moment as a read may
  // leave this time unchanged. The next read finds it.
  let changedAt: number | undefined
  let isRead = false
  let isWatching = false
  const subscribers = new Map<string, Set<Queue.Queue<Change, TokenStoreError>>>()

  /** Finds the changes of all keys. Returns whether the directory exists. */
  const readChanges = Effect.map(told, (now) => {
    const before = known
    known = now ?? Stored.changesOf([])
    for (const [folder, queues] of subscribers) {
      const found = Stored.changesBetween(before, known, folder)
      for (const queue of queues) for (const change of found) Queue.offerUnsafe(queue, change)
    }
    return now !== undefined
  })

  const look = Effect.gen(function*() {
    const { mtime } = yield* fs.stat(changes)
    const at = Option.getOrUndefined(mtime)?.getTime()
    const isSame = at !== undefined && at === changedAt
    if (isSame && isRead) return true
    changedAt = at
    isRead = isSame
    return yield* readChanges
  }).pipe(Effect.catchIf(isAbsent, () => Effect.succeed(false)))

  const failAll = (error: PlatformError) =>
    Effect.sync(() => {
      const cause = Cause.fail(failed(error))
      for (const queues of subscribers.values()) for (const queue of queues) Queue.failCauseUnsafe(queue, cause)
    })

  // The file system notifies at once, if it can. A read every second finds what it misses. If somebody removes the
  // directory, it is made and watched again.
  const watch = Effect.gen(function*() {
    yield* makePrivate(changes)
    const notified = Stream.catch(fs.watch(changes), () => Stream.never)
    yield* Stream.merge(notified, Stream.fromSchedule(Schedule.spaced("1 second"))).pipe(
      // However much happens during a read, one more read is enough.
      Stream.buffer({ capacity: 1, strategy: "sliding" }),
      Stream.runForEachWhile(() => look)
    )
  }).pipe(
    // It was removed while it was made.
    Effect.catchIf(isAbsent, () => Effect.void),
    Effect.catch(failAll),
    Effect.andThen(Effect.sleep("1 second")),
    Effect.forever
  )

  const subscribe = (
    folder: string
  ): Effect.Effect<Stream.Stream<Change, TokenStoreError>, PlatformError, Scope.Scope> =>
    Effect.gen(function*() {
      const now = yield* told
      if (!isWatching) {
        isWatching = true
        known = now ?? known
        yield* Effect.forkIn(watch, scope)
      }
      const queue = yield* Queue.unbounded<Change, TokenStoreError>()
      const queues = subscribers.get(folder) ?? new Set()
      yield* Effect.acquireRelease(
        Effect.sync(() => void subscribers.set(folder, queues.add(queue))),
        () =>
          Effect.sync(() => {
            queues.delete(queue)
            if (queues.size === 0) subscribers.delete(folder)
          })
      )
      return Stream.fromQueue(queue)
    })

  return { tell, subscribe }
}
