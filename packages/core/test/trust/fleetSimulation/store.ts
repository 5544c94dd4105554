import { TokenStore } from "@effect-spotnana/core"
import { Cause, Clock, Duration, Effect, Fiber, Option, Queue, Redacted, Schema, Stream } from "effect"
import { createHmac } from "node:crypto"
import { nameOf } from "./facts.ts"
import type { Act } from "./history.ts"
import type { Process } from "./process.ts"

/** What is wrong between a process and the store. */
export interface Link {
  trouble: Pick<Act<"store">, "mode" | "delay"> | undefined
  changes: Pick<Act<"changes">, "mode" | "delay"> | undefined
}

/** What is seen of one process by who stands between it and the store. */
export interface Observer {
  /** An operation begins; what is returned is to be called when the process is done with it, whatever came of it. */
  readonly asked: (operation: keyof TokenStore.Backend, key: string) => () => void
  /** What the process is answered. */
  readonly read: (found: Option.Option<TokenStore.Stored>) => void
  readonly answeredLease: (lease: TokenStore.Lease) => void
  readonly answeredExtend: (done: boolean) => void
  readonly answeredWrite: (token: string, done: boolean) => void
  /** What takes effect, whether or not the process is ever answered. */
  readonly leased: (lease: TokenStore.Lease, time: number) => void
  readonly extended: (fence: number, time: number, done: boolean) => void
  readonly wrote: (fence: number, token: string, time: number, startedAt: number, done: boolean) => void
  readonly released: (fence: number, backoff: number | undefined) => void
}

/** The store of the fleet. */
export interface Store {
  /** The store as one process has it. */
  readonly connect: (process: Process, link: Link, observer: Observer) => TokenStore.Backend
  /** Subscriptions fail: those of one link, or all. */
  readonly cut: (link?: Link) => void
  /** All that is in it is lost. Fences go on rising, as those of Redis do. */
  readonly empty: Effect.Effect<void>
  /** How many subscriptions there are. */
  readonly subscriptions: () => number
}

const failure = (message: string) => new TokenStore.TokenStoreError({ message })

const Payload = Schema.fromJsonString(Schema.Struct({ value: Schema.String }))

/** Which token a payload is of. */
export const tokenOf = (payload: Redacted.Redacted): string =>
  nameOf(Schema.decodeSync(Payload)(Redacted.value(payload)).value)

const fencesOfOneLife = 1_000_000

/** The store from one emptying to the next. Its payloads carry the fencing tokens that the processes see. */
const makeLife = (serial: number): Effect.Effect<TokenStore.Backend> =>
  Effect.gen(function*() {
    const { backend } = yield* Effect.provide(TokenStore.TokenStore, TokenStore.layerMemory)
    const before = serial * fencesOfOneLife
    return {
      ...backend,
      read: (key) =>
        Effect.map(
          backend.read(key),
          Option.map((stored) => ({ ...stored, version: stored.version + before }))
        ),
      lease: (key, time) =>
        Effect.map(
          backend.lease(key, time),
          (lease) => lease._tag === "Granted" ? { _tag: "Granted", fence: lease.fence + before } : lease
        ),
      extend: (key, fence, time) => backend.extend(key, fence - before, time),
      write: (key, fence, payload, time) => backend.write(key, fence - before, payload, time),
      release: (key, fence, backoff) => backend.release(key, fence - before, backoff),
      changes: (key) =>
        Effect.map(
          backend.changes(key),
          Stream.map((change): TokenStore.Change =>
            change._tag === "Written" ? { ...change, version: change.version + before } : change
          )
        )
    }
  })

/** Makes the store. Its clock is the right one. */
export const makeStore = (clock: Clock.Clock): Effect.Effect<Store> =>
  Effect.gen(function*() {
    let serial = 0
    let current = yield* makeLife(serial)
    const subscriptions = new Map<Queue.Queue<TokenStore.Change, TokenStore.TokenStoreError>, Link>()

    const connect = (process: Process, link: Link, observer: Observer): TokenStore.Backend => {
      type Operation<A> = Effect.Effect<A, TokenStore.TokenStoreError>

      const spoil = <A>(effect: Operation<A>, { delay, mode }: NonNullable<Link["trouble"]>): Operation<A> => {
        const wait = clock.sleep(Duration.millis(delay))
        switch (mode) {
          case "failing":
            return Effect.fail(failure("refused"))
          case "hanging":
            return Effect.never
          case "failingLate":
            return Effect.andThen(effect, Effect.fail(failure("the connection was lost")))
          case "lost":
            return Effect.andThen(effect, Effect.never)
          case "slowBefore":
            // Not sent yet: a process that is stopped does not send it either.
            return Effect.andThen(wait, Effect.andThen(process.awake, effect))
          case "slowAfter":
            return Effect.tap(effect, () => wait)
        }
      }

      const operation = <A>(
        name: keyof TokenStore.Backend,
        key: string,
        run: (backend: TokenStore.Backend) => Operation<A>,
        tookEffect: (answer: A) => void,
        isAnswered: (answer: A) => void
      ): Operation<A> =>
        Effect.suspend(() => {
          const { trouble } = link
          const done = observer.asked(name, key)
          const effect = Effect.map(Effect.suspend(() => run(current)), (answer) => {
            tookEffect(answer)
            return answer
          })
          // In a fiber of its own: what was sent takes effect, whether or not somebody still waits for the answer.
          const performed = process.isKilled()
            ? Effect.never
            : trouble === undefined
            ? effect
            : Effect.flatMap(Effect.forkDetach(spoil(effect, trouble), { startImmediately: true }), Fiber.join)
          return performed.pipe(
            Effect.flatMap((answer) =>
              Effect.map(process.awake, () => {
                isAnswered(answer)
                return answer
              })
            ),
            Effect.ensuring(Effect.sync(done))
          )
        })

      const nothing = () => {}
      return {
        name: "simulated",
        // As the encryption adds it, but without a promise: that would make a run depend on the machine.
        mac: (secret) => Effect.sync(() => createHmac("sha256", "key").update(Redacted.value(secret)).digest("hex")),
        read: (key) => operation("read", key, ({ read }) => read(key), nothing, observer.read),
        lease: (key, time) =>
          operation(
            "lease",
            key,
            ({ lease }) => lease(key, time),
            (lease) => observer.leased(lease, Duration.toMillis(time)),
            observer.answeredLease
          ),
        extend: (key, fence, time) =>
          operation(
            "extend",
            key,
            ({ extend }) => extend(key, fence, time),
            (done) => observer.extended(fence, Duration.toMillis(time), done),
            observer.answeredExtend
          ),
        write: (key, fence, payload, time) =>
          Effect.suspend(() => {
            const token = tokenOf(payload)
            const startedAt = clock.currentTimeMillisUnsafe()
            return operation(
              "write",
              key,
              ({ write }) => write(key, fence, payload, time),
              (done) => observer.wrote(fence, token, Duration.toMillis(time), startedAt, done),
              (done) => observer.answeredWrite(token, done)
            )
          }),
        release: (key, fence, backoff) =>
          operation(
            "release",
            key,
            ({ release }) => release(key, fence, backoff),
            () => observer.released(fence, backoff === undefined ? undefined : Duration.toMillis(backoff.time)),
            nothing
          ),
        changes: (key) =>
          Effect.gen(function*() {
            observer.asked("changes", key)()
            yield* process.awake
            if (link.changes?.mode === "failing") return yield* Effect.fail(failure("refused"))
            if (link.changes?.mode === "hanging") return yield* Effect.never
            const queue = yield* Queue.unbounded<TokenStore.Change, TokenStore.TokenStoreError>()
            yield* Effect.acquireRelease(
              Effect.sync(() => void subscriptions.set(queue, link)),
              () => Effect.sync(() => void subscriptions.delete(queue))
            )
            const deliver = (change: TokenStore.Change) => {
              const { changes } = link
              if (changes !== undefined && changes.mode !== "delayed") return Effect.void
              return Effect.sleep(Duration.millis(changes?.delay ?? 0)).pipe(
                Effect.andThen(process.awake),
                Effect.andThen(Effect.sync(() => void Queue.offerUnsafe(queue, change)))
              )
            }
            yield* Effect.forkScoped(
              Effect.provideService(
                Stream.runForEach(yield* current.changes(key), deliver),
                Clock.Clock,
                clock
              )
            )
            return Stream.fromQueue(queue)
          })
      }
    }

    return {
      connect,
      cut: (link?: Link) => {
        for (const [queue, of] of subscriptions) {
          if (link === undefined || link === of) {
            Queue.failCauseUnsafe(queue, Cause.fail(failure("the connection was lost")))
          }
        }
      },
      empty: Effect.gen(function*() {
        current = yield* makeLife(serial += 1)
      }).pipe(Effect.provideService(Clock.Clock, clock)),
      subscriptions: () => subscriptions.size
    }
  }).pipe(Effect.provideService(Clock.Clock, clock))
