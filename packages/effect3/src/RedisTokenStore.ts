/**
 * One token for a fleet: a `TokenStore` on Redis, Valkey or a service that speaks their protocol.
 *
 * @since 0.1.0
 */
import { checked } from "@effect-spotnana/engine/Options"
import type * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import { makeRedisBackend } from "./internal/tokenStore/redis.ts"
import { connected } from "./internal/tokenStore/redisConnection.ts"
import type { Client, Connection } from "./internal/tokenStore/redisConnection.ts"
import * as TokenStore from "./TokenStore.ts"

export type { Client } from "./internal/tokenStore/redisConnection.ts"

/**
 * How the store uses Redis.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * The prefix of every key and channel. Use one for each fleet on a server. Only letters, digits and `_.:-`, because
   * it is part of the patterns in an ACL. Default: `spotnana`.
   */
  readonly namespace?: string | undefined
  /** Encrypts what is stored. Default: `TokenStore.keys`, which reads `SPOTNANA_TOKEN_STORE_KEYS`. */
  readonly keys?: Config.Config<readonly [TokenStore.Key, ...ReadonlyArray<TokenStore.Key>]> | undefined
}

const make = (
  options: Options | undefined,
  connection: Effect.Effect<Connection, TokenStore.TokenStoreError>
) =>
  Effect.gen(function*() {
    const namespace = options?.namespace ?? "spotnana"
    checked(
      "RedisTokenStore.namespace",
      namespace,
      Predicate.isString(namespace) && /^[\w.:-]+$/.test(namespace),
      "letters, digits and _.:-"
    )
    const keys = yield* options?.keys ?? TokenStore.keys
    return yield* TokenStore.encrypted(makeRedisBackend(connection, namespace), keys)
  })

/**
 * A store on the application's own client, such as node-redis or ioredis, also
 * for Redis Cluster and Redis Sentinel.
 *
 * **Details**
 *
 * `client` connects, and returns the client. Redis may be unavailable, also at
 * the start. Until Redis can be reached, each process requests its own tokens.
 * The layer fails if `client` throws, or if it fails with a `ConfigError`, such
 * as for a missing variable. If scripts fail, or get no answer, for ten seconds,
 * the client is replaced: its scope is closed, and `client` runs again. All keys
 * of one token are in one slot of a cluster.
 *
 * What is stored is encrypted (AES-256-GCM). Without an encryption key the layer
 * fails, and the error says how to make one. Keys, scripts and channels are those
 * of `@effect-spotnana/core`: processes on Effect 3 and Effect 4 share a token.
 *
 * Messages that the client logs through Effect are suppressed, because they may
 * contain the password.
 *
 * **Gotchas**
 *
 * node-redis waits for an answer without a time limit, and keeps the process
 * alive meanwhile. `socketTimeout` ends that, and needs a shorter `pingInterval`.
 *
 * Use `Effect.tryPromise` and not `Effect.promise`: a rejected promise must be an
 * error of `client`, because a defect counts as an error in the configuration.
 *
 * **Example** (With node-redis)
 *
 * ```ts
 * import { RedisTokenStore } from "@effect-spotnana/effect3"
 * import { Effect } from "effect"
 * import { createClient } from "redis"
 *
 * const Store = RedisTokenStore.layerClient(Effect.gen(function*() {
 *   const redis = createClient({ url: "redis://localhost:6379", disableOfflineQueue: true })
 *   const subscriber = redis.duplicate()
 *   const clients = [redis, subscriber]
 *   // Without this listener, a connection error ends the process.
 *   for (const client of clients) client.on("error", () => {})
 *   yield* Effect.addFinalizer(() =>
 *     Effect.sync(() => clients.forEach((client) => client.isOpen && client.destroy()))
 *   )
 *   // The first error says what is wrong. node-redis itself would try again, without an end.
 *   yield* Effect.tryPromise(() =>
 *     Promise.all(clients.map((client) =>
 *       new Promise((resolve, reject) => {
 *         client.once("error", reject).connect().then(resolve, reject)
 *       })
 *     ))
 *   )
 *   return {
 *     eval: (script, keys, args) => redis.eval(script, { keys, arguments: args }),
 *     subscribe: async (channel, onMessage) => {
 *       await subscriber.subscribe(channel, onMessage)
 *       return () => subscriber.unsubscribe(channel, onMessage)
 *     }
 *   }
 * }))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerClient = <E, R>(
  client: Effect.Effect<Client, E, R>,
  options?: Options
): Layer.Layer<TokenStore.TokenStore, ConfigError.ConfigError, Exclude<R, Scope.Scope>> =>
  TokenStore.layer(Effect.flatMap(connected(client), (connection) => make(options, connection)))
