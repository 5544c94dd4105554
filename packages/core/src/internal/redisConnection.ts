import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Queue from "effect/Queue"
import * as References from "effect/References"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { variableError } from "./variables.ts"

// The place where a script failed, and the arguments of an unknown command, which may be the password of `HELLO`.
const details = /(?:,? with args |:? script: [0-9a-f]{40}).*/s

// An answer of Redis says best what to do: NOPERM, OOM, READONLY. An error that is neither an answer nor an error of
// the socket may be about the configuration, and may contain a password.
const reasonOf = (error: unknown): string => {
  const cause: unknown = error instanceof Redis.RedisError ? error.cause : error
  if (!(cause instanceof Error)) return "no reason given"
  if (error instanceof Redis.RedisError && cause.message !== "") {
    return cause.message.replace(details, "").replace(/\.?\s*$/, "")
  }
  return "code" in cause && typeof cause.code === "string" ? cause.code : cause.name
}

// The message may contain the address that cannot be read, and an address may contain a password.
const mistake = (error: unknown): Config.ConfigError =>
  variableError(
    `The Redis client cannot be made: ${
      reasonOf(error)
    }. Check its options; an address is redis://host:port, or rediss:// ` +
      "for TLS, with special characters of a password percent-encoded."
  )

/** Why Redis cannot be used, and what to do. */
export interface Failure {
  readonly message: string
  readonly cause: unknown
}

export const failed = (cause: unknown): Failure => ({
  message: `Redis failed: ${reasonOf(cause)}. Check its address, its access rules and its state.`,
  cause
})

/** Redis clients wait for an answer without a time limit. */
export const noAnswer = (): Redis.RedisError => new Redis.RedisError({ cause: new Error("no answer") })

/** A script of this library. The keys come first, then everything else. */
export type Script<Result> = Redis.Script<{
  readonly params: [keys: ReadonlyArray<string>, args: ReadonlyArray<string | number>]
  readonly result: Result
}>

export const script = <Result>(lua: string): Script<Result> =>
  Redis.script(
    (keys: ReadonlyArray<string>, args: ReadonlyArray<string | number>) => [...keys, ...args],
    { lua, numberOfKeys: (keys) => keys.length }
  ).withReturnType<Result>()

/** What a store needs from a client: scripts, and subscriptions to channels. */
export interface Connection {
  readonly run: <Result>(
    script: Script<Result>,
    keys: ReadonlyArray<string>,
    args: ReadonlyArray<string | number>
  ) => Effect.Effect<Result, Redis.RedisError>
  readonly subscribe: (
    channel: string
  ) => Effect.Effect<Stream.Stream<string, Redis.RedisError>, Redis.RedisError, Scope.Scope>
  /** Ends when another connection takes its place. */
  readonly isReplaced: Effect.Effect<void>
}

/**
 * What the store needs from a client that is not a `Redis` service, such as a
 * client for a cluster or for Sentinel.
 *
 * @category models
 * @since 0.1.0
 */
export interface Client {
  /** Runs a Lua script (`EVAL`) on the node that has its keys, which are in one slot. */
  readonly eval: (script: string, keys: Array<string>, args: Array<string>) => Promise<unknown>
  /** Subscribes to a channel. Resolves once the subscription is active, with a function that ends it. */
  readonly subscribe: (channel: string, onMessage: (message: unknown) => void) => Promise<() => unknown>
}

/** The error of a client, taken out of the error that `Effect.tryPromise` makes. */
export const redisError = (error: unknown): Redis.RedisError =>
  new Redis.RedisError({ cause: Cause.isUnknownError(error) ? error.cause : error })

export const ofRedis = (redis: Redis.Redis["Service"]): Connection => ({
  run: (script, keys, args) => redis.eval(script)(keys, args),
  subscribe: (channel) =>
    Effect.map(
      redis.subscribe(channel),
      (messages) => Stream.map(Stream.fromQueue(messages), ({ message }) => message)
    ),
  isReplaced: Effect.never
})

export const ofClient = (client: Client): Connection => {
  const attempt = <A>(f: () => Promise<A>) => Effect.tryPromise({ try: f, catch: redisError })
  return {
    run: <Result>(script: Script<Result>, keys: ReadonlyArray<string>, args: ReadonlyArray<string | number>) =>
      attempt(() => client.eval(script.lua, [...keys], args.map(String)) as Promise<Result>),
    subscribe: (channel) =>
      Effect.gen(function*() {
        const queue = yield* Queue.unbounded<string>()
        yield* Effect.acquireRelease(
          attempt(() => client.subscribe(channel, (message) => void Queue.offerUnsafe(queue, String(message)))),
          (unsubscribe) => Effect.ignore(attempt(async () => unsubscribe()))
        )
        return Stream.fromQueue(queue)
      }),
    isReplaced: Effect.never
  }
}

const closeTimeout = Duration.seconds(2)
/** Closes a scope that may wait for an answer of Redis, for two seconds at most. */
export const closeBounded = (scope: Scope.Closeable): Effect.Effect<unknown> =>
  Scope.close(scope, Exit.void).pipe(
    Effect.forkDetach,
    Effect.flatMap(Fiber.await),
    Effect.timeoutOption(closeTimeout)
  )
// A little less than the time limit of an operation. So a script without an answer fails first, and the warning of a
// process that starts says what is wrong.
const scriptTimeout = Duration.millis(1_800)
const firstAttempt = scriptTimeout
// A client where a script fails is replaced unless the script succeeds within this time. It may have given up, as
// node-redis does after a socket time-out, or be connected to a server that is only a replica now.
const replaceAfter = Duration.seconds(10)

// Many processes lose a server at the same moment, but must not connect again at the same moment.
const backoff = Schedule.jittered(Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")]))

/** The connection, and the effect that ends once another one is needed. */
const watched = (inner: Connection) => {
  const failing = new Set<unknown>()
  const replaced = Deferred.makeUnsafe<void>()
  let failure = Deferred.makeUnsafe<void>()
  const report = (script: unknown, exit: Exit.Exit<unknown, unknown>): void => {
    if (Exit.isSuccess(exit)) {
      failing.delete(script)
    } else if (!Exit.hasInterrupts(exit)) {
      // A script that was interrupted says nothing about the connection.
      failing.add(script)
      Deferred.doneUnsafe(failure, Exit.void)
    }
  }
  const connection: Connection = {
    run: (script, keys, args) =>
      inner.run(script, keys, args).pipe(
        Effect.timeoutOrElse({
          duration: scriptTimeout,
          orElse: () => Effect.fail(noAnswer())
        }),
        Effect.onExit((exit) => Effect.sync(() => report(script, exit)))
      ),
    subscribe: inner.subscribe,
    isReplaced: Deferred.await(replaced)
  }
  const isLost = Effect.gen(function*() {
    do {
      failure = Deferred.makeUnsafe()
      yield* Deferred.await(failure)
      yield* Effect.sleep(replaceAfter)
    } while (failing.size === 0)
  })
  return { connection, isLost, replace: Deferred.succeed(replaced, undefined) }
}

/** One connection after the other, for as long as the scope is open. */
export const connected = <E, R>(
  connect: Effect.Effect<Connection, E, R>
): Effect.Effect<
  Effect.Effect<Connection, Failure>,
  Config.ConfigError,
  Exclude<R, Scope.Scope> | Scope.Scope
> =>
  Effect.gen(function*() {
    let current: Connection | undefined
    let error: unknown
    // Operations wait for the first attempt to connect; after that none waits for a connection.
    const tried = yield* Deferred.make<void>()
    const done = Deferred.succeed(tried, undefined)

    // Each connection has its own scope, with which everything that is left of a failed attempt ends.
    const connection = Effect.acquireUseRelease(
      Scope.make(),
      (scope) =>
        Effect.gen(function*() {
          const made = yield* Scope.provide(connect, scope).pipe(
            // Clients log what servers answer, and that may contain the password.
            Effect.provideService(References.MinimumLogLevel, "None"),
            Effect.catchDefect(Effect.fail),
            Effect.tapError((cause) => {
              error = cause
              return done
            })
          )
          const { connection, isLost, replace } = watched(made)
          yield* Scope.addFinalizer(scope, replace)
          current = connection
          error = undefined
          yield* done
          yield* isLost
        }),
      (scope) => {
        current = undefined
        return closeBounded(scope)
      }
    )

    yield* Effect.acquireRelease(
      connection.pipe(Effect.retry(backoff), Effect.forever, Effect.forkDetach({ startImmediately: true })),
      (fiber) => Effect.timeoutOption(Fiber.interrupt(fiber), closeTimeout)
    )
    // A mistake in the configuration is known at once, without a request to Redis. Waiting does not help.
    if (error !== undefined && !(error instanceof Redis.RedisError)) {
      return yield* Effect.fail(error instanceof Config.ConfigError ? error : mistake(error))
    }
    yield* Effect.forkScoped(Effect.delay(done, firstAttempt))

    return Effect.andThen(
      Deferred.await(tried),
      Effect.suspend(() =>
        current === undefined
          ? Effect.fail({
            message: error === undefined
              ? "Redis does not answer. Check its address and its state."
              : `Redis is not connected: ${reasonOf(error)}. Check its address, its certificate and its access rules.`,
            cause: error
          })
          : Effect.succeed(current)
      )
    )
  })

/**
 * Connections that only the caller uses. Without `fresh`, a layer that the application provides elsewhere too would not
 * be built again: the new connection would be the one that failed.
 */
export const connectedTo = <E, R>(redis: Layer.Layer<Redis.Redis, E, R>) =>
  connected(Effect.map(Layer.build(Layer.fresh(redis)), (services) => ofRedis(Context.get(services, Redis.Redis))))
