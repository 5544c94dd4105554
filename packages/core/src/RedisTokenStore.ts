/**
 * One token for a fleet: a `TokenStore` on Redis, Valkey or a service that speaks their protocol.
 *
 * @since 0.1.0
 */
import { checked } from "@effect-spotnana/engine/Options"
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import { makeRedisBackend } from "./internal/tokenStore/redis.ts"
import { connected, ofClient, ofRedis, redisError } from "./internal/tokenStore/redisConnection.ts"
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
   * What every key and channel begins with: one for each fleet on a server. Letters, digits and `_.:-`, as it is part of
   * the patterns of an access list. Default: `spotnana`.
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
 * A store on a `Redis` that may be unavailable, at the start too: until it can be reached each process requests its own
 * tokens.
 *
 * **Details**
 *
 * The connection is the store's own. One where scripts fail, or are not answered,
 * for ten seconds is replaced: a client may have given up, or hold on to a server that has become a
 * replica. Closing the scope takes a few seconds at most, whatever Redis does.
 *
 * What the client logs is left out: it may repeat the password. Why Redis cannot
 * be used is in the warning of the store. A configuration that is missing, or an
 * address that cannot be read, fails the layer.
 *
 * **Gotchas**
 *
 * node-redis waits for an answer without end, and keeps the process alive while it
 * does: `socketTimeout` ends that, and wants a `pingInterval` that is shorter. Each
 * ping costs Redis a command on each of two connections: every 15 seconds are 480 an
 * hour and process, where a token costs one or two scripts. Its queue sends commands
 * that timed out long ago as soon as the server is back: `disableOfflineQueue` turns
 * the queue off.
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
  TokenStore.layer(
    Effect.flatMap(
      connected(Effect.map(Layer.build(redis), (services) => ofRedis(Context.get(services, Redis.Redis)))),
      (connection) => make(options, connection)
    )
  )

/**
 * A store on a client of the application's own: for Redis Cluster, and for Redis with Sentinel.
 *
 * **Details**
 *
 * `client` connects. Like the connection of {@link layerWith} its client may be
 * unavailable, at the start too, and one where scripts fail for ten seconds is
 * replaced: the scope is closed, and `client` runs again. All keys of one token are
 * in one slot. While a primary fails over each process requests its own tokens.
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
