/**
 * One token for a fleet: a `TokenStore` on Redis, Valkey or a service that speaks their protocol.
 *
 * @since 0.1.0
 */
import { checked } from "@effect-spotnana/engine/Options"
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import { connected, connectedTo, ofClient, ofRedis, redisError } from "./internal/redisConnection.ts"
import type { Client, Connection, Failure } from "./internal/redisConnection.ts"
import { makeRedisBackend } from "./internal/tokenStore/redis.ts"
import * as TokenStore from "./TokenStore.ts"

export type { Client } from "./internal/redisConnection.ts"

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
  connection: Effect.Effect<Connection, Failure>
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
 * A store on the `Redis` service.
 *
 * **Details**
 *
 * What is stored is encrypted (AES-256-GCM). Without an encryption key the layer
 * fails, and the error says how to make one.
 *
 * **Gotchas**
 *
 * A `Redis` layer fails if the server cannot be reached at the start. With {@link
 * layerWith} the application starts anyway.
 *
 * **Example** (On the `Redis` that the application has)
 *
 * ```ts
 * import { RedisTokenStore, SpotnanaHttpClient } from "@effect-spotnana/core"
 * import { Layer } from "effect"
 * import { FetchHttpClient } from "effect/http"
 * import type { Redis } from "effect/persistence"
 *
 * declare const ApplicationRedis: Layer.Layer<Redis.Redis, Error>
 *
 * const Auth = SpotnanaHttpClient.layerConfig().pipe(
 *   Layer.provide(RedisTokenStore.layer({ namespace: "booking" })),
 *   Layer.provide(ApplicationRedis),
 *   Layer.provide(FetchHttpClient.layer)
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: Options): Layer.Layer<TokenStore.TokenStore, Config.ConfigError, Redis.Redis> =>
  TokenStore.layer(
    Effect.flatMap(Redis.Redis, (redis) => make(options, Effect.succeed(ofRedis(redis))))
  )

/**
 * A store on a `Redis` that may be unavailable, also at the start. Until Redis
 * can be reached, each process requests its own tokens.
 *
 * **Details**
 *
 * The store has its own connection. If scripts fail, or get no answer, for ten
 * seconds, the store replaces the connection: the client may have given up, or
 * may be connected to a server that has become a replica. Closing the scope takes
 * a few seconds at most, even if Redis does not answer.
 *
 * Log messages of the client are suppressed, because they may contain the
 * password. The warning of the store says why Redis cannot be used. If the
 * configuration is missing, or the address cannot be read, the layer fails.
 *
 * **Gotchas**
 *
 * node-redis waits for an answer without a time limit, and keeps the process
 * alive meanwhile. `socketTimeout` ends that, and needs a shorter `pingInterval`.
 * Each ping is a command on each of two connections: every 15 seconds, that is
 * 480 commands per process and hour, while a token costs one or two scripts. When
 * the server is back, the queue of node-redis sends commands that timed out long
 * ago. `disableOfflineQueue` turns the queue off.
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
 *   pingInterval: 15_000,
 *   socket: { socketTimeout: 20_000 }
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
  TokenStore.layer(Effect.flatMap(connectedTo(redis), (connection) => make(options, connection)))

/**
 * A store on the application's own client, for Redis Cluster and Redis Sentinel.
 *
 * **Details**
 *
 * `client` connects, and returns the client. As with {@link layerWith}, Redis may
 * be unavailable, also at the start. If scripts fail for ten seconds, the client
 * is replaced: its scope is closed, and `client` runs again. All keys of one
 * token are in one slot. During a failover, each process requests its own tokens.
 *
 * **Gotchas**
 *
 * Use `Effect.tryPromise` and not `Effect.promise`: a rejected promise must be an
 * error of `client`, because a defect counts as an error in the configuration.
 *
 * **Example** (A cluster, with node-redis)
 *
 * ```ts
 * import { RedisTokenStore } from "@effect-spotnana/core"
 * import { Effect } from "effect"
 * import { createCluster } from "redis"
 *
 * const Store = RedisTokenStore.layerClient(Effect.gen(function*() {
 *   const cluster = createCluster({ rootNodes: [{ url: "redis://redis-1:6379" }, { url: "redis://redis-2:6379" }] })
 *   cluster.on("error", () => {})
 *   yield* Effect.acquireRelease(
 *     Effect.tryPromise(() => cluster.connect()),
 *     () => Effect.sync(() => cluster.destroy())
 *   )
 *   return {
 *     eval: (script, keys, args) => cluster.eval(script, { keys, arguments: args }),
 *     subscribe: async (channel, onMessage) => {
 *       await cluster.subscribe(channel, onMessage)
 *       return () => cluster.unsubscribe(channel, onMessage)
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
): Layer.Layer<TokenStore.TokenStore, Config.ConfigError, Exclude<R, Scope.Scope>> =>
  TokenStore.layer(
    Effect.flatMap(
      connected(Effect.map(Effect.mapError(client, redisError), ofClient)),
      (connection) => make(options, connection)
    )
  )
