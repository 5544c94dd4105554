import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { Redis } from "effect/persistence"
import * as References from "effect/References"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { variableError } from "../variables.ts"
import { TokenStoreError } from "./contract.ts"

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

// The message of what cannot be read may show it, and there is a password in an address.
const mistake = (error: unknown): Config.ConfigError =>
  variableError(
    `The Redis client cannot be made: ${
      reasonOf(error)
    }. Check its options; an address is redis://host:port, or rediss:// ` +
      "for TLS, with what is special in a password percent-encoded."
  )

export const failed = (cause: unknown) =>
  new TokenStoreError({
    message: `Redis failed: ${reasonOf(cause)}. Check its address, its access rules and its state.`,
    cause
  })

/** A client, and what learns how each script ended there. */
export interface Connection {
  readonly redis: Redis.Redis["Service"]
  readonly report: (script: unknown, exit: Exit.Exit<unknown, unknown>) => Effect.Effect<void>
}

// Closing a client waits for the answers to what is in flight, and one may never come.
const closeTimeout = Duration.seconds(2)
// A little less than an operation has, so that the warning of a process that starts says what is wrong.
const firstAttempt = Duration.millis(1_800)
// A client where a script fails is replaced unless the script succeeds within this time. It may have given up, as
// node-redis does after a socket time-out, or be connected to a server that is a mere replica now.
const replaceAfter = Duration.seconds(10)

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
      yield* Effect.sleep(replaceAfter)
    } while (failing.size === 0)
  })
  return { connection, isLost }
}

/** One connection after the other, for as long as the scope is open. */
export const connected = <E, R>(
  redis: Layer.Layer<Redis.Redis, E, R>
): Effect.Effect<Effect.Effect<Connection, TokenStoreError>, Config.ConfigError, R | Scope.Scope> =>
  Effect.gen(function*() {
    let current: Connection | undefined
    let error: unknown
    // Operations wait for the first attempt to connect; after that none waits for a connection.
    const tried = yield* Deferred.make<void>()
    const done = Deferred.succeed(tried, undefined)

    // Each has a scope of its own: what is left of a failed attempt ends with it.
    const connection = Effect.acquireUseRelease(
      Scope.make(),
      (scope) =>
        Effect.gen(function*() {
          const services = yield* Layer.buildWithScope(redis, scope).pipe(
            // Clients log what servers answer, and that may repeat the password.
            Effect.provideService(References.MinimumLogLevel, "None"),
            Effect.catchDefect(Effect.fail),
            Effect.tapError((cause) => {
              error = cause
              return done
            })
          )
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
    )

    yield* Effect.acquireRelease(
      connection.pipe(Effect.retry(backoff), Effect.forever, Effect.forkDetach({ startImmediately: true })),
      (fiber) => Effect.timeoutOption(Fiber.interrupt(fiber), closeTimeout)
    )
    // Known at once, without asking Redis: no time will mend it.
    if (error !== undefined && !(error instanceof Redis.RedisError)) {
      return yield* Effect.fail(error instanceof Config.ConfigError ? error : mistake(error))
    }
    yield* Effect.forkScoped(Effect.delay(done, firstAttempt))

    return Effect.andThen(
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
