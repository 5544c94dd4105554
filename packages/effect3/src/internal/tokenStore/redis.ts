import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Backend, Change, Lease, TokenStoreError } from "./contract.ts"
import { failed, script } from "./redisConnection.ts"
import type { Connection, Script } from "./redisConnection.ts"

// The braces keep the keys of one token in one slot of a cluster.
const names = (namespace: string, key: string) => {
  const base = `${namespace}:{${key}}`
  return { token: `${base}:token`, lease: `${base}:lease`, channel: `${base}:changes` }
}

// Times are the server's. A fencing token is its clock in microseconds: it goes on rising after a restart without data.
// The value of the lease is its fencing token; that of a backoff is its failure after an exclamation mark.
const leaseScript = script<readonly [granted: number, timeLeft: number, value: string]>(`
local held = redis.call("GET", KEYS[1])
if held then return { 0, redis.call("PTTL", KEYS[1]), held } end
local time = redis.call("TIME")
local fence = time[1] * 1000000 + time[2]
local last = tonumber(redis.call("HGET", KEYS[2], "version") or "0")
if fence <= last then fence = last + 1 end
fence = string.format("%.0f", fence)
redis.call("SET", KEYS[1], fence, "PX", ARGV[1])
return { 1, 0, fence }`)

const extendScript = script<number>(`
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call("PEXPIRE", KEYS[1], ARGV[2])`)

// A process whose lease is over writes nothing: its fencing token is not the one in the lease.
const writeScript = script<number>(`
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
redis.call("DEL", KEYS[1], KEYS[2])
redis.call("HSET", KEYS[2], "version", ARGV[1], "payload", ARGV[2])
redis.call("PEXPIRE", KEYS[2], ARGV[3])
redis.call("PUBLISH", ARGV[4], ARGV[1])
return 1`)

const releaseScript = script<number>(`
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[3] == "" then redis.call("DEL", KEYS[1]) else redis.call("SET", KEYS[1], "!" .. ARGV[3], "PX", ARGV[2]) end
redis.call("PUBLISH", ARGV[4], "released")
return 1`)

const readScript = script<readonly [version: string, payload: string, timeLeft: number]>(`
local found = redis.call("HMGET", KEYS[1], "version", "payload")
return { found[1] or "", found[2] or "", redis.call("PTTL", KEYS[1]) }`)

// Redis refuses a time of no milliseconds.
const millis = (time: Duration.Duration): number => Math.max(1, Math.ceil(Duration.toMillis(time)))

/** What Redis answers for a key that has no end is -1. */
const remaining = (millis: number): Duration.Duration => millis === -1 ? Duration.infinity : Duration.millis(millis)

/** A message is the version that was written, or a word. */
const changeOf = (message: string): Change =>
  /^\d+$/.test(message) ? { _tag: "Written", version: Number(message) } : { _tag: "Released" }

export const makeRedisBackend = (
  connection: Effect.Effect<Connection, TokenStoreError>,
  namespace: string
): Backend => {
  const run = <Result>(
    script: Script<Result>,
    keys: ReadonlyArray<string>,
    ...args: ReadonlyArray<string | number>
  ): Effect.Effect<Result, TokenStoreError> =>
    Effect.flatMap(connection, (connection) => Effect.mapError(connection.run(script, keys, args), failed))
  const namesOf = (key: string) => names(namespace, key)
  return {
    name: "redis",
    read: (key) =>
      Effect.map(
        run(readScript, [namesOf(key).token]),
        ([version, payload, timeLeft]) =>
          version === "" || timeLeft <= 0 ? Option.none() : Option.some({
            version: Number(version),
            payload: Redacted.make(payload),
            timeLeft: Duration.millis(timeLeft)
          })
      ),
    lease: (key, time) =>
      Effect.map(
        run(leaseScript, [namesOf(key).lease, namesOf(key).token], millis(time)),
        ([granted, millisLeft, value]): Lease => {
          if (granted === 1) return { _tag: "Granted", fence: Number(value) }
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
        // A subscription that Redis does not answer cannot be interrupted: nobody waits for it.
        const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
        const subscribing = yield* Effect.forkDaemon(Scope.extend(subscribe(namesOf(key).channel), scope))
        return (yield* Effect.mapError(Fiber.join(subscribing), failed)).pipe(
          Stream.interruptWhen(isReplaced),
          Stream.mapError(failed),
          Stream.map(changeOf)
        )
      })
  }
}
