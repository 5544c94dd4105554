// What lacks a service is run here to see that it does not compile.
// @effect-diagnostics missingEffectContext:off
import { FileTokenStore, RedisTokenStore, SpotnanaHttpClient, TokenStore } from "@effect-spotnana/core"
import { Context, Effect, Layer, Redacted } from "effect"
import type { Config, Duration, FileSystem, Option, Path, Scope, Stream } from "effect"
import type { HttpClient } from "effect/http"
import type { Redis } from "effect/persistence"
import { describe, expect, pick, test } from "tstyche"

class Database extends Context.Service<Database, {}>()("Database") {}

type Keys = Config.Config<readonly [TokenStore.Key, ...ReadonlyArray<TokenStore.Key>]>

declare const backend: TokenStore.Backend
declare const key: TokenStore.Key
declare const stored: TokenStore.Stored
declare const error: TokenStore.TokenStoreError
declare const connect: Effect.Effect<TokenStore.Backend, "refused", Database | Scope.Scope>
declare const client: Effect.Effect<RedisTokenStore.Client, "refused", Database | Scope.Scope>
declare const redis: Layer.Layer<Redis.Redis, "refused", Database>

describe("TokenStore", () => {
  test("each operation of a backend fails with one error, and needs nothing", () => {
    expect(backend).type.toBe<{
      readonly name: string
      readonly read: (key: string) => Effect.Effect<Option.Option<TokenStore.Stored>, TokenStore.TokenStoreError>
      readonly lease: (
        key: string,
        time: Duration.Duration
      ) => Effect.Effect<TokenStore.Lease, TokenStore.TokenStoreError>
      readonly extend: (
        key: string,
        fence: number,
        time: Duration.Duration
      ) => Effect.Effect<boolean, TokenStore.TokenStoreError>
      readonly write: (
        key: string,
        fence: number,
        payload: Redacted.Redacted,
        time: Duration.Duration
      ) => Effect.Effect<boolean, TokenStore.TokenStoreError>
      readonly release: (
        key: string,
        fence: number,
        backoff?: TokenStore.Backoff
      ) => Effect.Effect<void, TokenStore.TokenStoreError>
      readonly changes: (
        key: string
      ) => Effect.Effect<
        Stream.Stream<TokenStore.Change, TokenStore.TokenStoreError>,
        TokenStore.TokenStoreError,
        Scope.Scope
      >
      readonly mac?: ((secret: Redacted.Redacted) => Effect.Effect<string>) | undefined
    }>()
  })

  test("what is stored, and a lease", () => {
    expect(stored).type.toBe<{
      readonly payload: Redacted.Redacted
      readonly version: number
      readonly timeLeft: Duration.Duration
    }>()
    expect<TokenStore.Lease>().type.toBe<
      | { readonly _tag: "Granted"; readonly fence: number }
      | { readonly _tag: "Held"; readonly timeLeft: Duration.Duration }
      | {
        readonly _tag: "Backoff"
        readonly timeLeft: Duration.Duration
        readonly failure: Redacted.Redacted | undefined
      }
    >()
    expect<TokenStore.Change>().type.toBe<
      { readonly _tag: "Written"; readonly version: number } | { readonly _tag: "Released" }
    >()
    expect<TokenStore.Backoff>().type.toBe<{ readonly time: Duration.Duration; readonly failure: Redacted.Redacted }>()
    expect(pick(error, "_tag")).type.toBe<{ readonly _tag: "TokenStoreError" }>()
    expect(error.message).type.toBe<string>()
    expect(error.cause).type.toBe<unknown>()
  })

  test("the service is a backend and how it is shared", () => {
    expect<keyof TokenStore.TokenStore["Service"]>().type.toBe<"backend" | "share">()
    expect<TokenStore.TokenStore["Service"]["backend"]>().type.toBe<TokenStore.Backend>()
  })

  test("a layer fails and needs as its backend does, but for the scope", () => {
    expect(TokenStore.layer).type.toBe<
      <E, R>(
        backend: Effect.Effect<TokenStore.Backend, E, R>
      ) => Layer.Layer<TokenStore.TokenStore, E, Exclude<R, Scope.Scope>>
    >()
    expect(TokenStore.layer(connect)).type.toBe<Layer.Layer<TokenStore.TokenStore, "refused", Database>>()
    expect(TokenStore.layerMemory).type.toBe<Layer.Layer<TokenStore.TokenStore>>()
  })

  test("encryption cannot fail, and keys are read from the configuration", () => {
    expect(TokenStore.encrypted).type.toBe<
      (
        backend: TokenStore.Backend,
        keys: readonly [TokenStore.Key, ...ReadonlyArray<TokenStore.Key>]
      ) => Effect.Effect<TokenStore.Backend, never, Scope.Scope>
    >()
    expect(TokenStore.keys).type.toBe<Keys>()
    expect<TokenStore.Key>().type.toBe<Redacted.Redacted<Uint8Array>>()
  })

  test("a store below the client changes neither what can go wrong with it nor what it needs", () => {
    const client = SpotnanaHttpClient.layer({ clientId: "id", clientSecret: Redacted.make("secret") })
    expect(Layer.provide(client, TokenStore.layerMemory)).type.toBe<typeof client>()
    expect<Layer.Services<typeof client>>().type.toBe<HttpClient.HttpClient>()
  })

  test("a store on Redis fails with its configuration alone", () => {
    expect(RedisTokenStore.layer).type.toBe<
      (options?: RedisTokenStore.Options) => Layer.Layer<TokenStore.TokenStore, Config.ConfigError, Redis.Redis>
    >()
    expect(RedisTokenStore.layerWith).type.toBe<
      <E, R>(
        redis: Layer.Layer<Redis.Redis, E, R>,
        options?: RedisTokenStore.Options
      ) => Layer.Layer<TokenStore.TokenStore, Config.ConfigError, R>
    >()
    expect(RedisTokenStore.layerWith(redis)).type.toBe<
      Layer.Layer<TokenStore.TokenStore, Config.ConfigError, Database>
    >()
    expect(RedisTokenStore.layerClient).type.toBe<
      <E, R>(
        client: Effect.Effect<RedisTokenStore.Client, E, R>,
        options?: RedisTokenStore.Options
      ) => Layer.Layer<TokenStore.TokenStore, Config.ConfigError, Exclude<R, Scope.Scope>>
    >()
    expect(RedisTokenStore.layerClient(client)).type.toBe<
      Layer.Layer<TokenStore.TokenStore, Config.ConfigError, Database>
    >()
    expect<RedisTokenStore.Client>().type.toBe<{
      readonly eval: (script: string, keys: Array<string>, args: Array<string>) => Promise<unknown>
      readonly subscribe: (channel: string, onMessage: (message: unknown) => void) => Promise<() => unknown>
    }>()
    expect<RedisTokenStore.Options>().type.toBe<{
      readonly namespace?: string | undefined
      readonly keys?: Keys | undefined
    }>()
  })

  test("a store in a directory fails with that too, and needs a file system", () => {
    expect(FileTokenStore.layer).type.toBe<
      (
        options: FileTokenStore.Options
      ) => Layer.Layer<
        TokenStore.TokenStore,
        Config.ConfigError | TokenStore.TokenStoreError,
        FileSystem.FileSystem | Path.Path
      >
    >()
    expect<FileTokenStore.Options>().type.toBe<{
      readonly directory: string
      readonly keys?: Keys | undefined
    }>()
  })

  test("keys in the clear, and none, do not compile", () => {
    expect(TokenStore.encrypted).type.toBeCallableWith(backend, [key])
    // @ts-expect-error Source has 0 element(s) but target requires 1.
    void TokenStore.encrypted(backend, [])
    // @ts-expect-error Type 'Uint8Array<ArrayBuffer>' is missing the following properties from type 'Redacted<Uint8Array<ArrayBufferLike>>'
    void TokenStore.encrypted(backend, [new Uint8Array(32)])
    // @ts-expect-error Type 'string' is not assignable to type 'Redacted<string>'.
    const clear: TokenStore.Stored = { ...stored, payload: "token" }
    void clear
  })

  test("a backend that lacks an operation does not compile", () => {
    expect(pick(backend, "name", "read", "lease", "extend", "write", "release")).type.not
      .toBeAssignableTo<TokenStore.Backend>()
  })

  test("missing and unknown options do not compile", () => {
    // @ts-expect-error Expected 1 arguments, but got 0.
    void FileTokenStore.layer()
    // @ts-expect-error Object literal may only specify known properties, and 'prefix' does not exist
    void RedisTokenStore.layer({ prefix: "fleet" })
  })

  test("a store on Redis does not run without one", () => {
    const program = Effect.provide(TokenStore.TokenStore, RedisTokenStore.layer())
    // @ts-expect-error Type 'Redis' is not assignable to type 'never'.
    void Effect.runPromise(program)
  })

  test("what is stored cannot be changed in place", () => {
    // @ts-expect-error Cannot assign to 'version' because it is a read-only property.
    stored.version = 1
  })
})
