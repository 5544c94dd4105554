// A process on Effect 4 in a fleet of both, for the tests of the library for Effect 3, which cannot import Effect 4.
import { Environment, FileTokenStore, RedisTokenStore, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import type { TokenStore } from "@effect-spotnana/core"
import { NodeRedis, NodeServices } from "@effect/platform-node"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import { FetchHttpClient } from "effect/http"

/** What both sides have in common. */
export interface Shared {
  readonly baseUrl: string
  readonly clientId: string
  readonly clientSecret: string
  /** `SPOTNANA_TOKEN_STORE_KEYS` */
  readonly keys: string
}

const tokenThrough = (
  { baseUrl, clientId, clientSecret, keys }: Shared,
  store: Layer.Layer<TokenStore.TokenStore, unknown>
): Promise<string> =>
  Effect.runPromise(
    Effect.flatMap(TokenProvider.TokenProvider, ({ get }) => get).pipe(
      Effect.map(({ value }) => Redacted.value(value)),
      Effect.provide(
        SpotnanaHttpClient.layer({
          clientId,
          clientSecret: Redacted.make(clientSecret),
          environment: Environment.makeUnsafe({ baseUrl })
        }).pipe(
          Layer.provide(store),
          Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: { SPOTNANA_TOKEN_STORE_KEYS: keys } }))),
          Layer.provide(FetchHttpClient.layer)
        )
      )
    )
  )

/** Its token, through the store in a directory. */
export const tokenThroughFile = (shared: Shared, directory: string): Promise<string> =>
  tokenThrough(shared, FileTokenStore.layer({ directory }).pipe(Layer.provide(NodeServices.layer)))

/** Its token, through the store on Redis. */
export const tokenThroughRedis = (shared: Shared, url: string): Promise<string> =>
  tokenThrough(shared, RedisTokenStore.layer().pipe(Layer.provide(NodeRedis.layer({ url }))))
