import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { Redis } from "effect/persistence"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Backend, Lease, TokenStoreError } from "./contract.ts"
import { failed } from "./redisConnection.ts"
import type { Connection } from "./redisConnection.ts"

// The braces keep the keys of one token in one slot of a cluster.
const names = (namespace: string, key: string) => {
  const base = `${namespace}:{${key}}`
  return { token: `${base}:token`, lease: `${base}:lease`, channel: `${base}:changes` }
}

type Names = ReturnType<typeof names>

// Times are the server's. A fencing token is its clock in microseconds: it goes on rising after a restart without data.
// The value of the lease is its fencing token; that of a backoff is its failure after an exclamation mark.
const leaseScript = Redis.script(
  ({ lease, token }: Names, time: Duration.Duration) => [lease, token, millis(time)],
  {
    numberOfKeys: 2,
    lua: `
local held = redis.call("GET", KEYS[1])
if held then return { 0, redis.call("PTTL", KEYS[1]), held } end
local time = redis.call("TIME")
local fence = time[1] * 1000000 + time[2]
local last = tonumber(redis.call("HGET", KEYS[2], "version") or "0")
if fence <= last then fence = last + 1 end
fence = string.format("%.0f", fence)
redis.call("SET", KEYS[1], fence, "PX", ARGV[1])
return { 1, 0, fence }`
  }
).withReturnType<readonly [granted: number, timeLeft: number, value: string]>()

const extendScript = Redis.script(
  ({ lease }: Names, fence: number, time: Duration.Duration) => [lease, fence, millis(time)],
  {
    numberOfKeys: 1,
    lua: `
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call("PEXPIRE", KEYS[1], ARGV[2])`
  }
).withReturnType<number>()

// A process whose lease is over writes nothing: its fencing token is not the one in the lease.
const writeScript = Redis.script(
  ({ channel, lease, token }: Names, fence: number, payload: Redacted.Redacted, time: Duration.Duration) => [
    lease,
    token,
    fence,
    Redacted.value(payload),
    millis(time),
    channel
  ],
  {
    numberOfKeys: 2,
    lua: `
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
redis.call("DEL", KEYS[1], KEYS[2])
redis.call("HSET", KEYS[2], "version", ARGV[1], "payload", ARGV[2])
redis.call("PEXPIRE", KEYS[2], ARGV[3])
redis.call("PUBLISH", ARGV[4], ARGV[1])
return 1`
  }
).withReturnType<number>()

const releaseScript = Redis.script(
  ({ channel, lease }: Names, fence: number, time: Duration.Duration, failure: string) => [
    lease,
    fence,
    millis(time),
    failure,
    channel
  ],
  {
    numberOfKeys: 1,
    lua: `
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[3] == "" then redis.call("DEL", KEYS[1]) else redis.call("SET", KEYS[1], "!" .. ARGV[3], "PX", ARGV[2]) end
redis.call("PUBLISH", ARGV[4], ARGV[1])
return 1`
  }
).withReturnType<number>()

const readScript = Redis.script(
  ({ token }: Names) => [token],
  {
    numberOfKeys: 1,
    lua: `
local found = redis.call("HMGET", KEYS[1], "version", "payload")
return { found[1] or "", found[2] or "", redis.call("PTTL", KEYS[1]) }`
  }
).withReturnType<readonly [version: string, payload: string, timeLeft: number]>()

// Redis refuses a time of no milliseconds.
const millis = (time: Duration.Duration): number => Math.max(1, Math.ceil(Duration.toMillis(time)))

/** What Redis answers for a key that has no end is -1. */
const remaining = (millis: number): Duration.Duration => millis === -1 ? Duration.infinity : Duration.millis(millis)

export const makeRedisBackend = (connection: Effect.Effect<Connection, TokenStoreError>, namespace: string) => {
  const run = <Config extends { readonly params: ReadonlyArray<unknown>; readonly result: unknown }>(
    script: Redis.Script<Config>,
    ...params: Config["params"]
  ): Effect.Effect<Config["result"], TokenStoreError> =>
    Effect.flatMap(
      connection,
      ({ redis, report }) =>
        Effect.onExit(Effect.mapError(redis.eval(script)(...params), failed), (exit) => report(script, exit))
    )
  const backend: Backend = {
    name: "redis",
    read: (key) =>
      Effect.map(
        run(readScript, names(namespace, key)),
        ([version, payload, timeLeft]) =>
          version === "" || timeLeft <= 0 ? Option.none() : Option.some({
            version: Number(version),
            payload: Redacted.make(payload),
            timeLeft: Duration.millis(timeLeft)
          })
      ),
    lease: (key, time) =>
      Effect.map(
        run(leaseScript, names(namespace, key), time),
        ([granted, millisLeft, value]): Lease => {
          if (granted === 1) return { _tag: "Granted", fence: Number(value) }
          const timeLeft = remaining(millisLeft)
          return value.startsWith("!")
            ? { _tag: "Backoff", timeLeft, failure: Redacted.make(value.slice(1)) }
            : { _tag: "Held", timeLeft }
        }
      ),
    extend: (key, fence, time) =>
      Effect.map(run(extendScript, names(namespace, key), fence, time), (done) => done === 1),
    write: (key, fence, payload, time) =>
      Effect.map(run(writeScript, names(namespace, key), fence, payload, time), (done) => done === 1),
    release: (key, fence, backoff) =>
      Effect.asVoid(
        run(
          releaseScript,
          names(namespace, key),
          fence,
          backoff?.time ?? Duration.zero,
          backoff === undefined ? "" : Redacted.value(backoff.failure)
        )
      ),
    changes: (key) =>
      Effect.gen(function*() {
        const { redis } = yield* connection
        // A subscription that Redis does not answer cannot be interrupted: nobody waits for it.
        const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
        const subscribing = yield* Effect.forkDetach(
          Scope.provide(redis.subscribe(names(namespace, key).channel), scope)
        )
        return Stream.mapError(Stream.fromQueue(yield* Fiber.join(subscribing)), failed)
      })
  }
  return backend
}
