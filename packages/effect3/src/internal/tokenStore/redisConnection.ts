import * as Cause from "effect/Cause"
import * as ConfigError from "effect/ConfigError"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Queue from "effect/Queue"
import * as Runtime from "effect/Runtime"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { variableError } from "../variables.ts"
import { TokenStoreError } from "./contract.ts"

/** The error of Redis, or of its client. */
class RedisError extends Schema.TaggedError<RedisError>()("RedisError", { cause: Schema.Unknown }) {}

// `Effect.tryPromise` puts it into an error of its own.
const redisError = (error: unknown): RedisError =>
  new RedisError({ cause: Cause.isUnknownException(error) ? error.error : error })

/** A `ConfigError` of a client that reads its own variables is a mistake in the configuration. */
const connectError = (error: unknown): RedisError | ConfigError.ConfigError =>
  ConfigError.isConfigError(error) ? error : redisError(error)

// The place where a script failed, and the arguments of an unknown command, which may be the password of `HELLO`.
const details = /(?:,? with args |:? script: [0-9a-f]{40}).*/s

// An answer of Redis says best what to do: NOPERM, OOM, READONLY. An error that is neither an answer nor an error of
// the socket may be about the configuration, and may contain a password.
const reasonOf = (error: unknown): string => {
  const cause: unknown = error instanceof RedisError ? error.cause : error
  if (!(cause instanceof Error)) return "no reason given"
  if (error instanceof RedisError && cause.message !== "") {
    return cause.message.replace(details, "").replace(/\.?\s*$/, "")
  }
  return "code" in cause && typeof cause.code === "string" ? cause.code : cause.name
}

// The message may contain the address that cannot be read, and an address may contain a password.
const mistake = (error: unknown): ConfigError.ConfigError =>
  ConfigError.isConfigError(error) ? error : variableError(
    `The Redis client cannot be made: ${
      reasonOf(error)
    }. Check its options; an address is redis://host:port, or rediss:// ` +
      "for TLS, with special characters of a password percent-encoded."
  )

export const failed = (cause: unknown): TokenStoreError =>
  new TokenStoreError({
    message: `Redis failed: ${reasonOf(cause)}. Check its address, its access rules and its state.`,
    cause
  })

/** A script of this library, and the type of its result. */
export interface Script<Result> {
  readonly lua: string
  readonly result?: Result
}

export const script = <Result>(lua: string): Script<Result> => ({ lua })

/** What the store needs from a client: scripts, and subscriptions to channels. */
export interface Connection {
  readonly run: <Result>(
    script: Script<Result>,
    keys: ReadonlyArray<string>,
    args: ReadonlyArray<string | number>
  ) => Effect.Effect<Result, RedisError>
  readonly subscribe: (channel: string) => Effect.Effect<Stream.Stream<string>, RedisError, Scope.Scope>
  /** Ends when another connection takes its place. */
  readonly isReplaced: Effect.Effect<void>
}

/**
 * What the store needs from a Redis client.
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

const closeTimeout = Duration.seconds(2)
// A little less than the time limit of an operation. So a script without an answer fails first, and the warning of a
// process that starts says what is wrong.
const scriptTimeout = Duration.millis(1_800)
const firstAttempt = scriptTimeout
// A client where a script fails is replaced unless the script succeeds within this time. It may have given up, as
// node-redis does after a socket time-out, or be connected to a server that is only a replica now.
const replaceAfter = Duration.seconds(10)

// Many processes lose a server at the same moment, but must not connect again at the same moment.
const backoff = Schedule.jittered(Schedule.union(Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")))

/** The wait ends at that time also in a finalizer. */
const waitForClose = <A>(effect: Effect.Effect<A>) => Effect.timeoutOption(Effect.interruptible(effect), closeTimeout)

/** Closes a scope that may wait for an answer of Redis, for two seconds at most. */
export const closeBounded = (scope: Scope.CloseableScope): Effect.Effect<unknown> =>
  Effect.flatMap(
    Effect.forkDaemon(Scope.close(scope, Exit.void)),
    (closing) => waitForClose(Fiber.await(closing))
  )

/** The connection, and the effect that ends once another one is needed. */
const watched = (client: Client) => {
  const failing = new Set<unknown>()
  const replaced = Deferred.unsafeMake<void>(FiberId.none)
  let failure = Deferred.unsafeMake<void>(FiberId.none)
  const report = (script: unknown, exit: Exit.Exit<unknown, unknown>): void => {
    if (Exit.isSuccess(exit)) {
      failing.delete(script)
    } else if (!Exit.isInterrupted(exit)) {
      // A script that was interrupted says nothing about the connection.
      failing.add(script)
      Deferred.unsafeDone(failure, Exit.void)
    }
  }
  const attempt = <A>(f: () => Promise<A>) => Effect.tryPromise({ try: f, catch: redisError })
  const connection: Connection = {
    run: <Result>(script: Script<Result>, keys: ReadonlyArray<string>, args: ReadonlyArray<string | number>) =>
      attempt(() => client.eval(script.lua, [...keys], args.map(String)) as Promise<Result>).pipe(
        Effect.interruptible,
        Effect.timeoutFail({
          duration: scriptTimeout,
          onTimeout: () => new RedisError({ cause: new Error("no answer") })
        }),
        Effect.onExit((exit) => Effect.sync(() => report(script, exit)))
      ),
    subscribe: (channel) =>
      Effect.gen(function*() {
        const queue = yield* Queue.unbounded<string>()
        yield* Effect.acquireRelease(
          attempt(() => client.subscribe(channel, (message) => void queue.unsafeOffer(String(message)))),
          (unsubscribe) => Effect.ignore(attempt(async () => unsubscribe()))
        )
        return Stream.fromQueue(queue)
      }),
    isReplaced: Deferred.await(replaced)
  }
  const isLost = Effect.gen(function*() {
    do {
      failure = Deferred.unsafeMake(FiberId.none)
      yield* Deferred.await(failure)
      yield* Effect.sleep(replaceAfter)
    } while (failing.size === 0)
  })
  return { connection, isLost, replace: Deferred.succeed(replaced, undefined) }
}

/** One connection after the other, for as long as the scope is open. */
export const connected = <E, R>(
  connect: Effect.Effect<Client, E, R>
): Effect.Effect<
  Effect.Effect<Connection, TokenStoreError>,
  ConfigError.ConfigError,
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
          const client = yield* Scope.extend(Effect.mapError(connect, connectError), scope).pipe(
            // Clients log what servers answer, and that may contain the password.
            Logger.withMinimumLogLevel(LogLevel.None),
            Effect.catchAllDefect(Effect.fail),
            Effect.tapError((cause) => {
              error = cause
              return done
            })
          )
          const { connection, isLost, replace } = watched(client)
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

    const runtime = yield* Effect.runtime<Exclude<R, Scope.Scope>>()
    yield* Effect.acquireRelease(
      // Begins immediately, so that a mistake is known below.
      Effect.sync(() =>
        Runtime.runFork(runtime, Effect.interruptible(Effect.forever(Effect.retry(connection, backoff))))
      ),
      (fiber) => waitForClose(Fiber.interrupt(fiber))
    )
    // A mistake in the configuration is known at once, without a request to Redis. Waiting does not help.
    if (error !== undefined && !(error instanceof RedisError)) return yield* Effect.fail(mistake(error))
    yield* Effect.forkScoped(Effect.interruptible(Effect.delay(done, firstAttempt)))

    return Effect.zipRight(
      Deferred.await(tried),
      Effect.suspend(() =>
        current === undefined
          ? Effect.fail(
            new TokenStoreError({
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
