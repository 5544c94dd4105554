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
  /** How long a delivery that was handled is remembered. Default: 3 days. */
  readonly timeToLive?: Duration.Input | undefined
  /**
   * How long a handler may take. If it has not ended by then, its process may have been killed, and another request may
   * handle the delivery. Default: 5 minutes.
   */
  readonly handlerTimeout?: Duration.Input | undefined
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
  ) => Effect.Effect<"Granted" | "InProgress" | "Handled", DeliveryUnavailable>
  readonly setHandled: (id: string) => Effect.Effect<void, DeliveryUnavailable>
  readonly release: (id: string, claimant: string) => Effect.Effect<void, DeliveryUnavailable>
}

const inProgress = (id: string) =>
  new DeliveryUnavailable({
    reason: "InProgress",
    message: `The webhook delivery ${
      printable(id, [])
    } is being handled by another request: let it be sent again later.`
  })

const makeOnce = (store: Store): Once => (id, { duplicate, handle }) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const random = yield* Random.Random
      const claimant = `${random.nextDoubleUnsafe()}:${random.nextDoubleUnsafe()}`
      const release = Effect.ignore(store.release(id, claimant))
      // A claim may have been granted even if its answer did not arrive.
      const claim = yield* Effect.onError(restore(store.claim(id, claimant)), () => release)
      if (claim === "Handled") return yield* restore(duplicate)
      if (claim === "InProgress") return yield* Effect.fail(inProgress(id))
      const exit = yield* Effect.exit(restore(handle))
      // The result is always that of the handler: after an error of the store, a handled delivery would be sent again.
      yield* Exit.isSuccess(exit)
        ? Effect.catch(store.setHandled(id), (error) => Effect.logWarning(error.message))
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

const handled = "handled"

// Redis clients wait for an answer without a time limit.
const storeTimeout = Duration.seconds(2)

const deleteIfEqual = /* #__PURE__ */ Redis.script((key: string, value: string) => [key, value], {
  lua: "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end",
  numberOfKeys: 1
})

const makeRedis = (redis: Redis.Redis["Service"], prefix: string, { handlerTimeout, timeToLive }: Times): Store => {
  const keyOf = (id: string) => prefix + id
  /** Runs commands. A client that dies or throws cannot be used either. */
  const run = <A>(commands: () => Effect.Effect<A, Redis.RedisError>) =>
    Effect.suspend(commands).pipe(
      Effect.timeout(storeTimeout),
      Effect.catchDefect((defect) => Effect.fail(defect)),
      Effect.mapError((cause) =>
        new DeliveryUnavailable({
          reason: "Store",
          message:
            "Redis cannot be used, so it is not known whether a webhook delivery was handled: check the connection.",
          cause
        })
      )
    )
  return {
    claim: (id, claimant) =>
      run(Effect.fnUntraced(function*() {
        const set = yield* redis.send("SET", keyOf(id), claimant, "NX", "PX", `${handlerTimeout}`)
        if (set === "OK") return "Granted"
        return (yield* redis.send("GET", keyOf(id))) === handled ? "Handled" : "InProgress"
      })),
    setHandled: (id) => Effect.asVoid(run(() => redis.send("SET", keyOf(id), handled, "PX", `${timeToLive}`))),
    release: (id, claimant) => run(() => redis.eval(deleteIfEqual)(keyOf(id), claimant))
  }
}

/**
 * Deliveries of this process, in memory.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory = (options: Options = {}): Layer.Layer<WebhookDeliveries> =>
  Layer.sync(WebhookDeliveries, () => ({ once: makeOnce(makeMemory(timesOf(options))) }))

/**
 * Deliveries of all processes that share a Redis.
 *
 * **Details**
 *
 * Keys are `prefix` and the id of the delivery; the default prefix is
 * `spotnana:webhook:`. It works with every client for the `Redis` service of
 * `effect/persistence`. A command that Redis does not answer within 2 seconds
 * fails.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRedis = (
  { prefix = "spotnana:webhook:", ...options }: Options & { readonly prefix?: string | undefined } = {}
): Layer.Layer<WebhookDeliveries, never, Redis.Redis> =>
  Layer.effect(
    WebhookDeliveries,
    Effect.map(Redis.Redis, (redis) => ({ once: makeOnce(makeRedis(redis, prefix, timesOf(options))) }))
  )
