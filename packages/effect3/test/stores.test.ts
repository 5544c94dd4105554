import { FileTokenStore, RedisTokenStore, TokenStore } from "@effect-spotnana/effect3"
import { FileSystem } from "@effect/platform"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { afterAll, describe, expect, it } from "@effect/vitest"
import {
  Cause,
  Config,
  ConfigProvider,
  Context,
  Duration,
  Effect,
  Exit,
  Layer,
  Option,
  Redacted,
  Scope,
  TestClock
} from "effect"
import { randomBytes, randomUUID } from "node:crypto"
import { readFileSync } from "node:fs"
import { makeAudit, print } from "./support/audit.ts"
import { cases } from "./support/conformance.ts"
import { skewable } from "./support/harness.ts"
import * as RedisServer from "./support/redis.ts"

const newKey = () => Redacted.make<Uint8Array>(randomBytes(32))
const keys = [newKey()] as const
const environment = (variables: Record<string, string>) =>
  Layer.setConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(variables))))
const withKeys = environment({
  SPOTNANA_TOKEN_STORE_KEYS: Buffer.from(Redacted.value(keys[0])).toString("base64")
})

/** A store as one process has it. */
const connect = <E>(store: Layer.Layer<TokenStore.TokenStore, E>) =>
  Effect.map(
    Effect.orDie(Layer.build(Layer.fresh(store))),
    (services) => Context.get(services, TokenStore.TokenStore).backend
  )

const temporaryDirectory = Effect.orDie(
  Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped())
).pipe(Effect.provide(NodeContext.layer))

/** One server for all tests of this file. */
const redisScope = Effect.runSync(Scope.make())
const redisUrl = Effect.runSync(Effect.cached(Scope.extend(RedisServer.url, redisScope)))
afterAll(() => Effect.runPromise(Scope.close(redisScope, Exit.void)))

/** The stores, each as one process has it, and as another has it. */
const stores: ReadonlyArray<
  readonly [name: string, store: Effect.Effect<ReadonlyArray<TokenStore.Backend>, never, Scope.Scope>]
> = [
  ["memory", Effect.all([connect(TokenStore.layerMemory)])],
  [
    "memory, encrypted",
    Effect.flatMap(
      connect(TokenStore.layerMemory),
      (backend) => Effect.all([TokenStore.encrypted(backend, keys), TokenStore.encrypted(backend, keys)])
    )
  ],
  [
    "file",
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const store = FileTokenStore.layer({ directory }).pipe(Layer.provide(NodeContext.layer), Layer.provide(withKeys))
      return [yield* connect(store), yield* connect(store)]
    })
  ],
  ...RedisServer.isThere
    ? [
      [
        "Redis",
        Effect.gen(function*() {
          const store = RedisTokenStore.layerClient(RedisServer.client(yield* redisUrl)).pipe(Layer.provide(withKeys))
          const backends = [yield* connect(store), yield* connect(store)]
          // A busy machine takes longer than an operation waits for the connection.
          for (const { read } of backends) yield* Effect.eventually(Effect.delay(read("connected"), "50 millis"))
          return backends
        })
      ] as const
    ]
    : []
]

describe.each(stores)("a store: %s", (_, store) => {
  for (const { name, run } of cases) {
    it.live(name, () =>
      Effect.gen(function*() {
        const [backend, other] = yield* store
        yield* run(backend!, `test:client:${randomUUID()}`, other)
      }).pipe(Effect.scoped))
  }
})

describe("invariant 10: a store that measures time on this machine", () => {
  for (const [name, store] of stores.filter(([name]) => name === "memory" || name === "file")) {
    it.effect(`${name}: a clock that is set back makes nothing last longer`, () =>
      Effect.gen(function*() {
        const clock = yield* skewable
        yield* Effect.gen(function*() {
          const [first] = yield* store
          const backend = first!
          const minute = Duration.minutes(1)
          const granted = (key: string) =>
            Effect.map(backend.lease(key, minute), (lease) => lease._tag === "Granted" ? lease.fence : 0)
          yield* backend.write("token", yield* granted("token"), Redacted.make("x"), minute)
          yield* granted("lease")
          const failure = Redacted.make("failure")
          yield* backend.release("backoff", yield* granted("backoff"), { time: minute, failure })
          yield* clock.jump(-Duration.toMillis("1 day"))
          yield* TestClock.adjust(minute)
          expect(yield* backend.read("token")).toEqual(Option.none())
          expect(yield* granted("lease")).toBeGreaterThan(0)
          expect(yield* granted("backoff")).toBeGreaterThan(0)
        }).pipe(clock.withClock)
      }).pipe(Effect.scoped))
  }
})

describe("encryption", () => {
  const minute = Duration.minutes(1)
  const key = "production:client:0123"
  const secret = "t0k3n-in-the-store"

  const written = Effect.gen(function*() {
    const plain = yield* connect(TokenStore.layerMemory)
    const store = yield* TokenStore.encrypted(plain, keys)
    const lease = yield* store.lease(key, minute)
    const fence = lease._tag === "Granted" ? lease.fence : 0
    yield* store.write(key, fence, Redacted.make(secret), minute)
    return { plain, fence }
  })
  const textOf = (found: Option.Option<TokenStore.Stored>) =>
    Option.getOrUndefined(Option.map(found, ({ payload }) => Redacted.value(payload)))

  it.effect("invariant 9: what is stored is ciphertext, and a new nonce makes another one of the same text", () =>
    Effect.gen(function*() {
      const { fence, plain } = yield* written
      const stored = textOf(yield* plain.read(key))!
      expect(Buffer.from(stored, "base64").toString("latin1")).not.toContain(secret)
      const again = yield* written
      expect(textOf(yield* again.plain.read(key))).not.toBe(stored)
      expect(fence).toBeGreaterThan(0)
    }).pipe(Effect.scoped))

  it.effect("what another key encrypted, or what is put under another key of the store, counts as absent", () =>
    Effect.gen(function*() {
      const { plain } = yield* written
      const [rotated, foreign] = yield* Effect.all([
        TokenStore.encrypted(plain, [newKey(), ...keys]),
        TokenStore.encrypted(plain, [newKey()])
      ])
      expect(textOf(yield* rotated.read(key))).toBe(secret)
      expect(yield* foreign.read(key)).toEqual(Option.none())
      const stored = Option.getOrThrow(yield* plain.read(key))
      const lease = yield* plain.lease("other", minute)
      yield* plain.write("other", lease._tag === "Granted" ? lease.fence : 0, stored.payload, minute)
      const own = yield* TokenStore.encrypted(plain, keys)
      expect(yield* own.read("other")).toEqual(Option.none())
    }).pipe(Effect.scoped))

  it.effect.each([0, 16, 24, 31, 33])(
    "a key of %d bytes cannot be used, as the first or a further one",
    (length) =>
      Effect.gen(function*() {
        const plain = yield* connect(TokenStore.layerMemory)
        const wrong = Redacted.make<Uint8Array>(randomBytes(length))
        for (const keys of [[wrong], [newKey(), wrong]] as const) {
          const cause = yield* Effect.flip(Effect.sandbox(TokenStore.encrypted(plain, keys)))
          expect(String(Option.getOrThrow(Cause.dieOption(cause)))).toContain(
            `32-byte key for AES-256-GCM, not ${length}`
          )
        }
      }).pipe(Effect.scoped)
  )

  it.effect("names of secrets are the same for the same first key, and show nothing of the secret", () =>
    Effect.gen(function*() {
      const plain = yield* connect(TokenStore.layerMemory)
      const nameOf = (...keys: readonly [TokenStore.Key, ...ReadonlyArray<TokenStore.Key>]) =>
        Effect.flatMap(TokenStore.encrypted(plain, keys), ({ mac }) => mac!(Redacted.make(secret)))
      const name = yield* nameOf(keys[0])
      expect(name).toMatch(/^[0-9a-f]{64}$/)
      expect(yield* nameOf(keys[0], newKey())).toBe(name)
      expect(yield* nameOf(newKey())).not.toBe(name)
    }).pipe(Effect.scoped))
})

describe("a mistake in the configuration", () => {
  const failure = <A>(layer: Layer.Layer<A, unknown>) =>
    Effect.map(Effect.exit(Effect.scoped(Layer.build(layer))), (exit) => Exit.isFailure(exit) ? print(exit) : "built")

  it.effect.each<readonly [string, Record<string, string>, string]>([
    ["no key", {}, "SPOTNANA_TOKEN_STORE_KEYS is missing: tokens are stored only encrypted."],
    [
      "a short key",
      { SPOTNANA_TOKEN_STORE_KEYS: "c2hvcnQ=" },
      "each key is 32 bytes in Base64, and number 1 of 1 is not"
    ]
  ])("%s is told with what to do, and no key is shown", ([, variables, message]) =>
    Effect.gen(function*() {
      const store = RedisTokenStore.layerClient(Effect.never)
      const text = yield* failure(Layer.provide(store, environment(variables)))
      expect(text).toContain(message)
      expect(text).not.toContain("c2hvcnQ=")
    }))

  it.effect("a directory that is open to others is refused", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      yield* Effect.flatMap(FileSystem.FileSystem, (fs) => fs.chmod(directory, 0o755)).pipe(
        Effect.provide(NodeContext.layer)
      )
      const store = FileTokenStore.layer({ directory })
      const text = yield* failure(store.pipe(Layer.provide(NodeContext.layer), Layer.provide(withKeys)))
      expect(text).toContain(`${directory} is open to others, with mode 755.`)
    }).pipe(Effect.scoped))

  it.effect("a directory of another user is refused", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const foreign = Layer.map(NodeContext.layer, (context) => {
        const fs = Context.get(context, FileSystem.FileSystem)
        return Context.add(context, FileSystem.FileSystem, {
          ...fs,
          stat: (file) => Effect.map(fs.stat(file), (info) => ({ ...info, uid: Option.some(54_321) }))
        })
      })
      const text = yield* failure(
        FileTokenStore.layer({ directory }).pipe(Layer.provide(foreign), Layer.provide(withKeys))
      )
      expect(text).toContain(`${directory} belongs to another user (uid 54321)`)
    }).pipe(Effect.scoped))

  it.live("what something else has written in a directory: a link is not followed, a damaged beginning is replaced", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const fs = yield* FileSystem.FileSystem
      const backend = yield* connect(
        FileTokenStore.layer({ directory }).pipe(Layer.provide(NodeContext.layer), Layer.provide(withKeys))
      )
      const lease = Effect.map(
        backend.lease("key", Duration.minutes(1)),
        (lease) => lease._tag === "Granted" ? lease.fence : 0
      )
      yield* backend.release("key", yield* lease, undefined)
      const folder = (yield* fs.readDirectory(directory)).find((name) => name !== "changes" && name !== "drafts")!
      for (const name of yield* fs.readDirectory(`${directory}/${folder}`)) {
        const file = `${directory}/${folder}/${name}`
        yield* name === "beginning" ? fs.writeFileString(file, "damaged") : fs.remove(file)
      }
      const fence = yield* lease
      expect(fence).toBeGreaterThan(0)
      const other = `${yield* temporaryDirectory}/other`
      yield* fs.writeFileString(other, "content")
      yield* fs.symlink(other, `${directory}/changes/${folder}.token.${fence}`)
      expect(yield* backend.write("key", fence, Redacted.make("payload"), Duration.minutes(1))).toBe(true)
      expect(yield* fs.readFileString(other)).toBe("content")
    }).pipe(Effect.scoped, Effect.provide(NodeContext.layer)))

  it.live("a client that throws fails the layer, and its message with the password in it is in no error", () =>
    Effect.gen(function*() {
      const broken = Effect.sync(() => {
        throw new TypeError("Invalid URL redis://:p4ssw0rd@host")
      })
      const text = yield* failure(RedisTokenStore.layerClient(broken).pipe(Layer.provide(withKeys)))
      expect(text).toContain("The Redis client cannot be made: TypeError.")
      expect(text).not.toContain("p4ssw0rd")
    }))

  it.live("a variable that the client reads and that is missing fails the layer, and is named", () =>
    Effect.gen(function*() {
      const client = Effect.flatMap(Config.string("REDIS_ADDRESS"), () => Effect.never)
      expect(yield* failure(RedisTokenStore.layerClient(client).pipe(Layer.provide(withKeys)))).toContain(
        "REDIS_ADDRESS"
      )
    }))

  it("docs/sharing-tokens.md has the client of node-redis that is run here", () => {
    // The lines of the documentation are broken elsewhere.
    const wordsOf = (path: string) => readFileSync(path, "utf8").replaceAll(/\s+/g, " ")
    const [, code = ""] = wordsOf("packages/effect3/test/support/nodeRedis.ts").split("export ")
    expect(wordsOf("docs/sharing-tokens.md")).toContain(code)
  })

  it.live("the client of docs/sharing-tokens.md says that the server cannot be reached", () =>
    Effect.gen(function*() {
      const store = RedisTokenStore.layerClient(RedisServer.client("redis://127.0.0.1:1"))
      const backend = yield* connect(store.pipe(Layer.provide(withKeys)))
      expect((yield* Effect.flip(backend.read("key"))).message).toContain(
        "Redis is not connected: connect ECONNREFUSED"
      )
    }).pipe(Effect.scoped))

  it.live.skipIf(!RedisServer.isThere)(
    "the client of docs/sharing-tokens.md says that the password is wrong",
    () =>
      Effect.gen(function*() {
        const url = new URL(yield* redisUrl)
        Object.assign(url, { username: "spotnana", password: "p4ssw0rd" })
        const store = RedisTokenStore.layerClient(RedisServer.client(url.href))
        const backend = yield* connect(store.pipe(Layer.provide(withKeys)))
        const { message } = yield* Effect.flip(backend.read("key"))
        expect(message).toContain("Redis is not connected: WRONGPASS")
        expect(message).not.toContain("p4ssw0rd")
      }).pipe(Effect.scoped)
  )

  it.live("invariant 9: no log shows what Redis said, as it may repeat the password", () =>
    Effect.gen(function*() {
      const audit = makeAudit()
      const said = "ERR unknown command 'HELLO', with args beginning with: 'AUTH' 'user' 'p4ssw0rd'"
      const refuse = () => Promise.reject(new Error(said))
      yield* audit.run(Effect.gen(function*() {
        const backend = yield* connect(
          RedisTokenStore.layerClient(Effect.succeed({ eval: refuse, subscribe: refuse })).pipe(Layer.provide(withKeys))
        )
        for (const operation of [Effect.asVoid(backend.read("key")), Effect.asVoid(backend.changes("key"))]) {
          expect((yield* Effect.flip(operation)).message).toContain("ERR unknown command 'HELLO'.")
        }
      }))
      expect(audit.search(["p4ssw0rd"])).toEqual([])
    }).pipe(Effect.scoped))

  it.live("a client is closed also where the store was built while interruption was off", () =>
    Effect.gen(function*() {
      let isOpen = false
      const client = Effect.acquireRelease(
        Effect.sync(() => {
          isOpen = true
          return { eval: async () => ["", "", 0], subscribe: async () => () => {} }
        }),
        () =>
          Effect.sync(() => {
            isOpen = false
          })
      )
      const scope = yield* Scope.make()
      yield* Effect.uninterruptible(
        Layer.buildWithScope(RedisTokenStore.layerClient(client).pipe(Layer.provide(withKeys)), scope)
      )
      expect(isOpen).toBe(true)
      yield* Scope.close(scope, Exit.void)
      expect(isOpen).toBe(false)
    }))

  it.live("a Redis that cannot be reached does not, and says so when it is used", () =>
    Effect.gen(function*() {
      const store = RedisTokenStore.layerClient(
        Effect.tryPromise(() => Promise.reject(new Error("connect ECONNREFUSED 127.0.0.1:1")))
      )
      const backend = yield* connect(store.pipe(Layer.provide(withKeys)))
      const error = yield* Effect.flip(backend.read("key"))
      expect(error.message).toContain("Redis is not connected: connect ECONNREFUSED 127.0.0.1:1.")
    }).pipe(Effect.scoped))
})
