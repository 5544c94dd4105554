/**
 * One token for a fleet: a `TokenStore` on Redis, Valkey or a service that speaks their protocol.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Redis } from "effect/persistence"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TokenStore from "./TokenStore.ts"

/**
 * How the store uses Redis.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** What every key and channel begins with: one for each fleet on a server. Default: `spotnana`. */
  readonly namespace?: string | undefined
  /** Encrypts what is stored. Default: `TokenStore.keys`, which reads `SPOTNANA_TOKEN_STORE_KEYS`. */
  readonly keys?: Config.Config<readonly [TokenStore.Key, ...ReadonlyArray<TokenStore.Key>]> | undefined
}

// The braces keep the keys of one token in one slot of a cluster.
const names = (namespace: string, key: string) => {
  const base = `${namespace}:{${key}}`
  return { token: `${base}:token`, lease: `${base}:lease`, channel: `${base}:changes` }
}

type Names = ReturnType<typeof names>

// Times are the server's. A fence is its clock in microseconds: it goes on rising after a restart without data.
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

// Who does not have the lease any more has nothing to write: the comparison is the fence.
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
  ({ channel, lease }: Names, fence: number, time: Duration.Duration, note: string) => [
    lease,
    fence,
    millis(time),
    note,
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

const rejectScript = Redis.script(
  ({ channel, token }: Names, version: number) => [token, version, channel],
  {
    numberOfKeys: 1,
    lua: `
if redis.call("HGET", KEYS[1], "version") ~= ARGV[1] then return 0 end
redis.call("HSET", KEYS[1], "rejected", "1")
redis.call("PUBLISH", ARGV[2], ARGV[1])
return 1`
  }
).withReturnType<number>()

const readScript = Redis.script(
  ({ token }: Names) => [token],
  {
    numberOfKeys: 1,
    lua: `
local found = redis.call("HMGET", KEYS[1], "version", "payload", "rejected")
return { found[1] or "", found[2] or "", found[3] or "", redis.call("PTTL", KEYS[1]) }`
  }
).withReturnType<readonly [version: string, payload: string, rejected: string, timeLeft: number]>()

// Redis refuses a time of no milliseconds.
const millis = (time: Duration.Duration): number => Math.max(1, Math.ceil(Duration.toMillis(time)))

// Where a script failed, and the arguments of a command that is not known: the password of `HELLO` among them.
const details = /(?:,? with args |:? script: [0-9a-f]{40}).*/s

// What Redis answered says best what to do: NOPERM, OOM, READONLY. What is neither an answer nor an error of the socket
// may be about the configuration, and have a password in it.
const reasonOf = (error: unknown): string => {
  const cause: unknown = error instanceof Redis.RedisError ? error.cause : error
  if (!(cause instanceof Error)) return "no reason given"
  if (error instanceof Redis.RedisError && cause.message !== "") {
    return cause.message.replace(details, "").replace(/\.?\s*$/, "")
  }
  return "code" in cause && typeof cause.code === "string" ? cause.code : cause.name
}

const failed = (cause: unknown) =>
  new TokenStore.TokenStoreError({
    message: `Redis failed: ${reasonOf(cause)}. Check its address, its access rules and its state.`,
    cause
  })

/** A client, and who is told how each of the scripts does there. */
interface Connection {
  readonly redis: Redis.Redis["Service"]
  readonly report: (script: unknown, exit: Exit.Exit<unknown, unknown>) => Effect.Effect<void>
}

const makeBackend = (connection: Effect.Effect<Connection, TokenStore.TokenStoreError>, namespace: string) => {
  const run = <Config extends { readonly params: ReadonlyArray<unknown>; readonly result: unknown }>(
    script: Redis.Script<Config>,
    ...params: Config["params"]
  ): Effect.Effect<Config["result"], TokenStore.TokenStoreError> =>
    Effect.flatMap(
      connection,
      ({ redis, report }) =>
        Effect.onExit(Effect.mapError(redis.eval(script)(...params), failed), (exit) => report(script, exit))
    )
  const backend: TokenStore.Backend = {
    name: "redis",
    read: (key) =>
      Effect.map(
        run(readScript, names(namespace, key)),
        ([version, payload, rejected, timeLeft]) =>
          version === "" || timeLeft <= 0 ? Option.none() : Option.some({
            version: Number(version),
            payload: Redacted.make(payload),
            rejected: rejected !== "",
            timeLeft: Duration.millis(timeLeft)
          })
      ),
    lease: (key, time) =>
      Effect.map(
        run(leaseScript, names(namespace, key), time),
        ([granted, timeLeft, value]): TokenStore.Lease =>
          granted === 1
            ? { _tag: "Granted", fence: Number(value) }
            : {
              _tag: "Held",
              timeLeft: Duration.millis(Math.max(0, timeLeft)),
              note: value.startsWith("!") ? Redacted.make(value.slice(1)) : undefined
            }
      ),
    extend: (key, fence, time) =>
      Effect.map(run(extendScript, names(namespace, key), fence, time), (done) => done === 1),
    write: (key, fence, payload, time) =>
      Effect.map(run(writeScript, names(namespace, key), fence, payload, time), (done) => done === 1),
    release: (key, fence, pause) =>
      Effect.asVoid(
        run(
          releaseScript,
          names(namespace, key),
          fence,
          pause?.time ?? Duration.zero,
          pause === undefined ? "" : Redacted.value(pause.note)
        )
      ),
    reject: (key, version) => Effect.asVoid(run(rejectScript, names(namespace, key), version)),
    changes: (key) =>
      Effect.gen(function*() {
        const { redis } = yield* connection
        // Who subscribes while Redis does not answer cannot be interrupted: nobody waits for it.
        const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
        const subscribing = yield* Effect.forkDetach(
          Scope.provide(redis.subscribe(names(namespace, key).channel), scope)
        )
        return Stream.mapError(Stream.fromQueue(yield* Fiber.join(subscribing)), failed)
      })
  }
  return backend
}

const make = (
  options: Options | undefined,
  connection: Effect.Effect<Connection, TokenStore.TokenStoreError>
) =>
  Effect.gen(function*() {
    const keys = yield* options?.keys ?? TokenStore.keys
    return yield* TokenStore.sealed(makeBackend(connection, options?.namespace ?? "spotnana"), keys)
  })

// Closing a client waits for the answers to what is in flight: what never comes must not keep anybody.
const closeTimeout = Duration.seconds(2)
// A little less than an operation has, so that who starts hears why it has to go on by itself.
const firstAttempt = Duration.millis(1_800)
// A client where a script fails is replaced unless the script succeeds within this time. It may have given up, as
// node-redis does after a socket time-out, or be connected to a server that is a mere replica now.
const patience = Duration.seconds(10)

const backoff = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")])

/** A connection, and the effect that ends once another one is needed. */
const watched = (redis: Redis.Redis["Service"]) => {
  const failing = new Set<unknown>()
  let failure = Deferred.makeUnsafe<void>()
  const connection: Connection = {
    redis,
    report: (script, exit) =>
      Effect.sync(() => {
        if (Exit.isSuccess(exit)) {
          failing.delete(script)
        } else {
          failing.add(script)
          Deferred.doneUnsafe(failure, Exit.void)
        }
      })
  }
  const isLost = Effect.gen(function*() {
    do {
      failure = Deferred.makeUnsafe()
      yield* Deferred.await(failure)
      yield* Effect.sleep(patience)
    } while (failing.size === 0)
  })
  return { connection, isLost }
}

/** One connection after the other, for as long as the scope is open. */
const connected = <E, R>(
  redis: Layer.Layer<Redis.Redis, E, R>
): Effect.Effect<Effect.Effect<Connection, TokenStore.TokenStoreError>, never, R | Scope.Scope> =>
  Effect.gen(function*() {
    let current: Connection | undefined
    let error: unknown
    // Who asks while the first attempt is under way waits for it; after that nobody waits for a connection.
    const tried = yield* Deferred.make<void>()
    const done = Deferred.succeed(tried, undefined)

    // Each has a scope of its own: what is left of a failed attempt ends with it.
    const connection = Effect.acquireUseRelease(
      Scope.make(),
      (scope) =>
        Effect.gen(function*() {
          const services = yield* Layer.buildWithScope(redis, scope)
          const { connection, isLost } = watched(Context.get(services, Redis.Redis))
          current = connection
          error = undefined
          yield* done
          yield* isLost
        }),
      (scope) => {
        current = undefined
        return Scope.close(scope, Exit.void).pipe(
          Effect.forkDetach,
          Effect.flatMap(Fiber.await),
          Effect.timeoutOption(closeTimeout)
        )
      }
    ).pipe(
      Effect.catchDefect(Effect.fail),
      Effect.tapError((cause) => {
        error = cause
        return done
      })
    )

    yield* Effect.acquireRelease(
      connection.pipe(Effect.retry(backoff), Effect.forever, Effect.forkDetach),
      (fiber) => Effect.timeoutOption(Fiber.interrupt(fiber), closeTimeout)
    )
    yield* Effect.forkScoped(Effect.delay(done, firstAttempt))

    return Effect.andThen(
      Deferred.await(tried),
      Effect.suspend(() =>
        current === undefined
          ? Effect.fail(
            new TokenStore.TokenStoreError({
              message: error === undefined
                ? "Redis does not answer. Check its address and its state."
                : `Redis is not connected: ${
                  reasonOf(error)
                }. Check its address, its certificate and its access rules.`,
              cause: error
            })
          )
          : Effect.succeed(current)
      )
    )
  })

/**
 * A store on the `Redis` service.
 *
 * **Details**
 *
 * Without a key it does not start, and says how to make one: what is stored is
 * encrypted (AES-256-GCM).
 *
 * **Gotchas**
 *
 * A `Redis` layer fails where the server cannot be reached at the start. With
 * {@link layerWith} the application starts all the same.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: Options): Layer.Layer<TokenStore.TokenStore, Config.ConfigError, Redis.Redis> =>
  TokenStore.layer(
    Effect.flatMap(Redis.Redis, (redis) => make(options, Effect.succeed({ redis, report: () => Effect.void })))
  )

/**
 * A store on a `Redis` that may be away, at the start too: until it can be reached each process goes on by itself.
 *
 * **Details**
 *
 * The connection is the store's own. One where scripts fail for ten seconds is
 * replaced: a client may have given up, or hold on to a server that has become a
 * replica. Closing the scope takes two seconds at most, whatever Redis does.
 *
 * **Gotchas**
 *
 * node-redis waits for an answer without end, and keeps the process alive while
 * it does: `socketTimeout` ends that, and wants a `pingInterval` that is shorter.
 * Its queue sends commands that were given up long ago once the server is back:
 * `disableOfflineQueue` has none.
 *
 * **Example** (A fleet on Node)
 *
 * ```ts
 * import { RedisTokenStore, SpotnanaHttpClient } from "@effect-spotnana/core"
 * import { NodeRedis } from "@effect/platform-node"
 * import { Layer } from "effect"
 * import { FetchHttpClient } from "effect/http"
 *
 * const redis = NodeRedis.layer({
 *   url: "redis://localhost:6379",
 *   disableOfflineQueue: true,
 *   pingInterval: 2_000,
 *   socket: { socketTimeout: 5_000 }
 * })
 *
 * const Auth = SpotnanaHttpClient.layerConfig().pipe(
 *   Layer.provide(RedisTokenStore.layerWith(redis)),
 *   Layer.provide(FetchHttpClient.layer)
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerWith = <E, R>(
  redis: Layer.Layer<Redis.Redis, E, R>,
  options?: Options
): Layer.Layer<TokenStore.TokenStore, Config.ConfigError, R> =>
  TokenStore.layer(Effect.flatMap(connected(redis), (connection) => make(options, connection)))
