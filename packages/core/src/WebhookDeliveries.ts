/**
 * Handles each delivery of a webhook once, however often it is sent.
 *
 * A sender that gets no answer sends a delivery again, with the same id. An
 * attacker who recorded a delivery can send it again too, as long as its
 * timestamp is within the tolerance.
 *
 * @since 0.1.0
 */
import { printable } from "@effect-spotnana/engine/Text"
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Random from "effect/Random"
import { currentInstant } from "./internal/instant.ts"
import { duration } from "./internal/options.ts"
import { connectedTo, failed, noAnswer, ofRedis, script } from "./internal/redisConnection.ts"
import type { Connection, Failure, Script } from "./internal/redisConnection.ts"

/**
 * Another request handles the same delivery at this moment, or the store of the
 * deliveries cannot be used.
 *
 * **Details**
 *
 * Answer with a status that makes Spotnana send it again, such as 503.
 *
 * @category errors
 * @since 0.1.0
 */
export class DeliveryUnavailable extends Data.TaggedError("DeliveryUnavailable")<{
  readonly reason: "InProgress" | "Store"
  /** What happened and what to do. */
  readonly message: string
  readonly cause?: unknown
}> {}

/**
 * How long deliveries are remembered.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * How long a delivery that was handled is remembered. Default: 3 days. It must be longer than twice the `tolerance` of
   * `Webhook`: otherwise a delivery is forgotten while its signature is still accepted, and is handled again.
   */
  readonly timeToLive?: Duration.Input | undefined
  /**
   * How long a handler may take. If it has not ended by then, its process may have been killed, and another request may
   * handle the delivery. Default: 5 minutes.
   */
  readonly handlerTimeout?: Duration.Input | undefined
}

/**
 * How deliveries are stored in Redis.
 *
 * @category models
 * @since 0.1.0
 */
export interface RedisOptions extends Options {
  /**
   * The keys in Redis are this prefix and the id of the delivery. Use one for each application on a server: with the same
   * prefix, a delivery that one application has handled is a duplicate for the other one. Default: `spotnana:webhook:`.
   */
  readonly prefix?: string | undefined
}

/**
 * The deliveries that were handled.
 *
 * **Example** (A handler that runs once for each delivery)
 *
 * ```ts
 * import { Webhook, WebhookDeliveries } from "@effect-spotnana/core"
 * import { Effect } from "effect"
 * import { HttpServerResponse } from "effect/http"
 *
 * declare const bookTrip: Effect.Effect<void, never, Webhook.Delivery>
 *
 * const handler = Effect.gen(function*() {
 *   const { id } = yield* Webhook.Delivery
 *   const { once } = yield* WebhookDeliveries.WebhookDeliveries
 *   yield* once(id, { handle: bookTrip, duplicate: Effect.logDebug("handled before") })
 *   return HttpServerResponse.empty()
 * }).pipe(
 *   Effect.catchTag("DeliveryUnavailable", () => Effect.succeed(HttpServerResponse.empty({ status: 503 })))
 * )
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export class WebhookDeliveries extends Context.Service<WebhookDeliveries, {
  /**
   * Runs `handle`. If that has already succeeded for a delivery with this id, it runs `duplicate` instead. If `handle`
   * fails or is interrupted, the delivery counts as never seen, and is handled when it is sent again.
   */
  readonly once: <A, E, R, A2, E2, R2>(
    id: string,
    options: { readonly handle: Effect.Effect<A, E, R>; readonly duplicate: Effect.Effect<A2, E2, R2> }
  ) => Effect.Effect<A | A2, E | E2 | DeliveryUnavailable, R | R2>
}>()("@effect-spotnana/core/WebhookDeliveries") {}

type Once = WebhookDeliveries["Service"]["once"]

/** Where claims and handled deliveries are kept. Times are milliseconds. */
interface Store {
  /** Claims a delivery for one handler, which `claimant` names. */
  readonly claim: (
    id: string,
    claimant: string
  ) => Effect.Effect<"Granted" | "InProgress" | "Handled", Failure>
  readonly setHandled: (id: string) => Effect.Effect<void, Failure>
  readonly release: (id: string, claimant: string) => Effect.Effect<void, Failure>
}

const inProgress = (id: string) =>
  new DeliveryUnavailable({
    reason: "InProgress",
    message: `The webhook delivery ${
      printable(id, [])
    } is being handled by another request: let it be sent again later.`
  })

const storeFailed = (id: string, { cause, message }: Failure) =>
  new DeliveryUnavailable({
    reason: "Store",
    message: `It is not known whether the webhook delivery ${printable(id, [])} was handled before. ${message}`,
    cause
  })

const makeOnce = (store: Store): Once => (id, { duplicate, handle }) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const random = yield* Random.Random
      const claimant = `${random.nextDoubleUnsafe()}:${random.nextDoubleUnsafe()}`
      const release = Effect.ignore(store.release(id, claimant))
      // A claim may have been granted even if its answer did not arrive.
      const claim = yield* restore(store.claim(id, claimant)).pipe(
        Effect.onError(() => release),
        Effect.mapError((failure) => storeFailed(id, failure))
      )
      if (claim === "Handled") return yield* restore(duplicate)
      if (claim === "InProgress") return yield* Effect.fail(inProgress(id))
      const exit = yield* Effect.exit(restore(handle))
      // The result is always that of the handler: after an error of the store, a handled delivery would be sent again.
      yield* Exit.isSuccess(exit)
        ? Effect.catch(store.setHandled(id), ({ message }) =>
          Effect.logWarning(
            `The webhook delivery ${printable(id, [])} was handled, but that could not be stored. ${message}`
          ))
        : release
      return yield* exit
    })
  )

interface Times {
  readonly timeToLive: number
  readonly handlerTimeout: number
}

const timesOf = ({ handlerTimeout = "5 minutes", timeToLive = "3 days" }: Options): Times => ({
  timeToLive: Math.ceil(Duration.toMillis(duration("WebhookDeliveries.timeToLive", timeToLive, 1))),
  handlerTimeout: Math.ceil(Duration.toMillis(duration("WebhookDeliveries.handlerTimeout", handlerTimeout, 1)))
})

const makeMemory = ({ handlerTimeout, timeToLive }: Times): Store => {
  // In the order in which they were written, so that expired entries are removed from the front.
  const entries = new Map<string, { readonly claimant: string | undefined; readonly until: number }>()
  const withNow = <A>(use: (now: number) => A): Effect.Effect<A> => Effect.map(currentInstant, ({ mono }) => use(mono))
  const put = (id: string, claimant: string | undefined, until: number) => {
    entries.delete(id)
    entries.set(id, { claimant, until })
  }
  return {
    claim: (id, claimant) =>
      withNow((now) => {
        for (const [key, { until }] of entries) {
          if (until > now) break
          entries.delete(key)
        }
        const entry = entries.get(id)
        if (entry !== undefined && entry.until > now) return entry.claimant === undefined ? "Handled" : "InProgress"
        put(id, claimant, now + handlerTimeout)
        return "Granted"
      }),
    setHandled: (id) => withNow((now) => put(id, undefined, now + timeToLive)),
    release: (id, claimant) =>
      Effect.sync(() => {
        if (entries.get(id)?.claimant === claimant) entries.delete(id)
      })
  }
}

// A little more than the time limit of a script on a connection that is replaced when it fails.
const storeTimeout = Duration.seconds(2)

const claimScript = /* #__PURE__ */ script<"Granted" | "InProgress" | "Handled">(`
local value = redis.call('GET', KEYS[1])
if value == 'handled' then return 'Handled' end
if value then return 'InProgress' end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 'Granted'`)
const handledScript = /* #__PURE__ */ script<unknown>("return redis.call('SET', KEYS[1], 'handled', 'PX', ARGV[1])")
const releaseScript = /* #__PURE__ */ script<unknown>(
  "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"
)

const makeRedis = (
  connection: Effect.Effect<Connection, Failure>,
  { prefix = "spotnana:webhook:", ...options }: RedisOptions
): Store => {
  const { handlerTimeout, timeToLive } = timesOf(options)
  /** Runs a script. A client that dies or throws cannot be used either. */
  const run = <Result>(script: Script<Result>, id: string, ...args: ReadonlyArray<string | number>) =>
    Effect.flatMap(connection, ({ run }) => Effect.mapError(run(script, [prefix + id], args), failed)).pipe(
      Effect.timeoutOrElse({ duration: storeTimeout, orElse: () => Effect.fail(failed(noAnswer())) }),
      Effect.catchDefect((defect) => Effect.fail(failed(defect)))
    )
  return {
    claim: (id, claimant) => run(claimScript, id, claimant, handlerTimeout),
    setHandled: (id) => Effect.asVoid(run(handledScript, id, timeToLive)),
    release: (id, claimant) => Effect.asVoid(run(releaseScript, id, claimant))
  }
}

/**
 * Deliveries of this process, in memory.
 *
 * **Gotchas**
 *
 * Build it once, where the server starts. A layer that is built for each request
 * remembers nothing of the one before, and a duplicate is handled twice.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory = (options: Options = {}): Layer.Layer<WebhookDeliveries> =>
  Layer.sync(WebhookDeliveries, () => ({ once: makeOnce(makeMemory(timesOf(options))) }))

/**
 * Deliveries of all processes that share a Redis, which may be unavailable, also
 * at the start.
 *
 * **When to use**
 *
 * Use for an application that runs in several processes.
 *
 * **Details**
 *
 * While Redis is unavailable, `once` fails with `DeliveryUnavailable` (`Store`),
 * whose message says why, and does not run the handler. A command that Redis does
 * not answer within 2 seconds fails.
 *
 * The deliveries have their own connection, also if the application provides
 * `redis` elsewhere. If commands fail, or get no answer, for ten seconds, the
 * connection is replaced: the client may have given up, as node-redis does after
 * its `socketTimeout`. `redis` has the same options as for
 * `RedisTokenStore.layerWith`. Log messages of the client are suppressed, because
 * they may contain the password. If the configuration is missing, or the address
 * cannot be read, the layer fails.
 *
 * **Gotchas**
 *
 * If Redis evicts keys, or restarts without its data, a delivery that is sent
 * again is handled again.
 *
 * **Example** (Several processes on Node)
 *
 * ```ts
 * import { WebhookDeliveries } from "@effect-spotnana/core"
 * import { NodeRedis } from "@effect/platform-node"
 *
 * const Redis = NodeRedis.layer({
 *   url: "redis://localhost:6379",
 *   disableOfflineQueue: true,
 *   pingInterval: 15_000,
 *   socket: { socketTimeout: 20_000 }
 * })
 *
 * const Deliveries = WebhookDeliveries.layerRedisWith(Redis, { prefix: "booking:webhook:" })
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRedisWith = <E, R>(
  redis: Layer.Layer<Redis.Redis, E, R>,
  options: RedisOptions = {}
): Layer.Layer<WebhookDeliveries, Config.ConfigError, R> =>
  Layer.effect(
    WebhookDeliveries,
    Effect.map(connectedTo(redis), (connection) => ({ once: makeOnce(makeRedis(connection, options)) }))
  )

/**
 * Deliveries of all processes that share a Redis, on the `Redis` service that the
 * application has.
 *
 * **Details**
 *
 * It works with every client for the `Redis` service of `effect/persistence`. A
 * command that Redis does not answer within 2 seconds fails.
 *
 * **Gotchas**
 *
 * The connection is the application's, and is not replaced. If its client gives
 * up, as node-redis does after its `socketTimeout`, every delivery fails with
 * `DeliveryUnavailable` until the process is restarted. A `Redis` layer fails if
 * the server cannot be reached at the start. {@link layerRedisWith} has neither
 * problem.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRedis = (options: RedisOptions = {}): Layer.Layer<WebhookDeliveries, never, Redis.Redis> =>
  Layer.effect(
    WebhookDeliveries,
    Effect.map(Redis.Redis, (redis) => ({ once: makeOnce(makeRedis(Effect.succeed(ofRedis(redis)), options)) }))
  )
