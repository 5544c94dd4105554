import { FileTokenStore, RedisTokenStore, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/effect3"
import type { TokenStore } from "@effect-spotnana/effect3"
import { MockSpotnana } from "@effect-spotnana/effect3/testing"
import { FetchHttpClient } from "@effect/platform"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { describe, expect, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import { randomBytes } from "node:crypto"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { clientId, clientSecret } from "./support/harness.ts"
import * as RedisServer from "./support/redis.ts"
import { onSocket, SocketEnvironment } from "./support/sockets.ts"

interface Shared {
  readonly baseUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly keys: string
}

/** The library for Effect 4, in a module that has its own `effect`. */
const onEffect4: {
  readonly tokenThroughFile: (shared: Shared, directory: string) => Promise<string>
  readonly tokenThroughRedis: (shared: Shared, url: string) => Promise<string>
} = await import(/* @vite-ignore */ new URL("../../core/test/support/oneOfFleet.ts", import.meta.url).href)

const keys = randomBytes(32).toString("base64")

/** The token of this library through a store. */
const tokenThrough = (store: Layer.Layer<TokenStore.TokenStore, unknown>) =>
  Effect.gen(function*() {
    const environment = yield* SocketEnvironment
    return yield* Effect.flatMap(TokenProvider.TokenProvider, ({ get }) => get).pipe(
      Effect.map(({ value }) => Redacted.value(value)),
      Effect.provide(
        SpotnanaHttpClient.layer({ clientId, clientSecret, environment }).pipe(
          Layer.provide(store),
          Layer.provide(FetchHttpClient.layer)
        )
      )
    )
  }).pipe(
    Effect.provide(Layer.setConfigProvider(ConfigProvider.fromMap(new Map([["SPOTNANA_TOKEN_STORE_KEYS", keys]]))))
  )

/** The same token on both sides, whichever is first, for one request. */
const sharesBothWays = (
  own: Layer.Layer<TokenStore.TokenStore, unknown>,
  theirs: (shared: Shared) => Promise<string>
) =>
  Effect.gen(function*() {
    const mock = yield* MockSpotnana.MockSpotnana
    const { baseUrl } = yield* SocketEnvironment
    const onEffect4 = Effect.promise(() =>
      theirs({ baseUrl, clientId, clientSecret: Redacted.value(clientSecret), keys })
    )
    const first = yield* tokenThrough(own)
    expect(yield* onEffect4).toBe(first)
    expect(yield* tokenThrough(own)).toBe(first)
    expect(yield* mock.tokenRequests).toBe(1)
  })

const directory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "spotnana-"))),
  (directory) => Effect.promise(() => rm(directory, { recursive: true, force: true }))
)

describe("a fleet on Effect 3 and Effect 4 shares a token", () => {
  it.live("through a directory, the one on Effect 3 first", () =>
    Effect.gen(function*() {
      const place = join(yield* directory, "store")
      const own = Layer.provide(FileTokenStore.layer({ directory: place }), NodeContext.layer)
      yield* sharesBothWays(own, (shared) => onEffect4.tokenThroughFile(shared, place))
    }).pipe(Effect.scoped, Effect.provide(onSocket())))

  it.live("through a directory, the one on Effect 4 first", () =>
    Effect.gen(function*() {
      const place = join(yield* directory, "store")
      const mock = yield* MockSpotnana.MockSpotnana
      const { baseUrl } = yield* SocketEnvironment
      const shared = { baseUrl, clientId, clientSecret: Redacted.value(clientSecret), keys }
      const first = yield* Effect.promise(() => onEffect4.tokenThroughFile(shared, place))
      const own = Layer.provide(FileTokenStore.layer({ directory: place }), NodeContext.layer)
      expect(yield* tokenThrough(own)).toBe(first)
      expect(yield* mock.tokenRequests).toBe(1)
    }).pipe(Effect.scoped, Effect.provide(onSocket())))

  it.live.skipIf(!RedisServer.isThere)("through Redis", () =>
    Effect.gen(function*() {
      const url = yield* RedisServer.url
      yield* sharesBothWays(
        RedisTokenStore.layerClient(RedisServer.client(url)),
        (shared) => onEffect4.tokenThroughRedis(shared, url)
      )
    }).pipe(Effect.scoped, Effect.provide(onSocket())))
})
