import * as StoredInRedis from "@effect-spotnana/engine/StoredInRedis"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { closeBounded, failed, script } from "../redisConnection.ts"
import type { Connection, Failure, Script } from "../redisConnection.ts"
import type { Backend, Lease } from "./contract.ts"
import { TokenStoreError } from "./contract.ts"

const leaseScript = script<readonly [granted: number, timeLeft: number, value: string]>(StoredInRedis.lease)
const extendScript = script<number>(StoredInRedis.extend)
const writeScript = script<number>(StoredInRedis.write)
const releaseScript = script<number>(StoredInRedis.release)
const readScript = script<readonly [version: string, payload: string, timeLeft: number]>(StoredInRedis.read)

// Redis refuses a time of zero milliseconds.
const millis = (time: Duration.Duration): number => Math.max(1, Math.ceil(Duration.toMillis(time)))

/** Redis answers -1 for a key that does not expire. */
const remaining = (millis: number): Duration.Duration => millis === -1 ? Duration.infinity : Duration.millis(millis)

const storeError = (cause: unknown) => new TokenStoreError(failed(cause))

export const makeRedisBackend = (
  connected: Effect.Effect<Connection, Failure>,
  namespace: string
): Backend => {
  const connection = Effect.mapError(connected, (failure) => new TokenStoreError(failure))
  const run = <Result>(
    script: Script<Result>,
    keys: ReadonlyArray<string>,
    ...args: ReadonlyArray<string | number>
  ): Effect.Effect<Result, TokenStoreError> =>
    Effect.flatMap(connection, (connection) => Effect.mapError(connection.run(script, keys, args), storeError))
  const namesOf = (key: string) => StoredInRedis.names(namespace, key)
  return {
    name: "redis",
    read: (key) =>
      Effect.map(
        run(readScript, [namesOf(key).token]),
        ([version, payload, timeLeft]) =>
          version === "" || timeLeft <= 0 ? Option.none() : Option.some({
            version: StoredInRedis.fenceOf(version),
            payload: Redacted.make(payload),
            timeLeft: Duration.millis(timeLeft)
          })
      ),
    lease: (key, time) =>
      Effect.map(
        run(leaseScript, [namesOf(key).lease, namesOf(key).token], millis(time)),
        ([granted, millisLeft, value]): Lease => {
          if (granted === 1) return { _tag: "Granted", fence: StoredInRedis.fenceOf(value) }
          const timeLeft = remaining(millisLeft)
          return value.startsWith("!")
            ? { _tag: "Backoff", timeLeft, failure: Redacted.make(value.slice(1)) }
            : { _tag: "Held", timeLeft }
        }
      ),
    extend: (key, fence, time) =>
      Effect.map(run(extendScript, [namesOf(key).lease], fence, millis(time)), (done) => done === 1),
    write: (key, fence, payload, time) => {
      const { channel, lease, token } = namesOf(key)
      return Effect.map(
        run(writeScript, [lease, token], fence, Redacted.value(payload), millis(time), channel),
        (done) => done === 1
      )
    },
    release: (key, fence, backoff) => {
      const { channel, lease } = namesOf(key)
      const [time, failure] = backoff === undefined
        ? [Duration.zero, ""]
        : [backoff.time, Redacted.value(backoff.failure)]
      return Effect.asVoid(run(releaseScript, [lease], fence, millis(time), failure, channel))
    },
    changes: (key) =>
      Effect.gen(function*() {
        const { isReplaced, subscribe } = yield* connection
        // A subscription that Redis does not answer cannot be interrupted, so nobody waits for it.
        const scope = yield* Effect.acquireRelease(Scope.make(), closeBounded)
        const subscribing = yield* Effect.forkDetach(Scope.provide(subscribe(namesOf(key).channel), scope))
        return (yield* Effect.mapError(Fiber.join(subscribing), storeError)).pipe(
          Stream.interruptWhen(isReplaced),
          Stream.mapError(storeError),
          Stream.map(StoredInRedis.changeOf)
        )
      })
  }
}
