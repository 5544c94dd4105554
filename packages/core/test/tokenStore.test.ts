import { FileTokenStore, RedisTokenStore, TokenStore } from "@effect-spotnana/core"
import { StoredInRedis } from "@effect-spotnana/engine"
import { TokenStoreConformance } from "@effect-spotnana/testing"
import { NodeServices } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import { ConfigProvider, Context, Duration, Effect, Exit, FileSystem, Layer, Option, Redacted } from "effect"
import type { Scope } from "effect"
import { Redis } from "effect/persistence"
import { TestClock } from "effect/testing"
import { spawnSync } from "node:child_process"
import { randomBytes, randomUUID } from "node:crypto"
import { makeAudit, print } from "./support/audit.ts"
import { skewable } from "./support/harness.ts"
import * as RedisServer from "./support/redis.ts"

const newKey = () => Redacted.make<Uint8Array>(randomBytes(32))
const keys = [newKey()] as const
const keysText = Buffer.from(Redacted.value(keys[0])).toString("base64")
const environment = (variables: Record<string, string>) =>
  ConfigProvider.layer(ConfigProvider.fromEnv({ env: variables }))
const withKeys = environment({ SPOTNANA_TOKEN_STORE_KEYS: keysText })

/** A store as one process has it. */
const connect = <E>(store: Layer.Layer<TokenStore.TokenStore, E>) =>
  Effect.map(
    Effect.orDie(Layer.build(Layer.fresh(store))),
    (services) => Context.get(services, TokenStore.TokenStore).backend
  )

const memory = TokenStore.layerMemory

/** The stores, each as one process has it, and as another has it. */
const stores: ReadonlyArray<
  readonly [name: string, store: Effect.Effect<ReadonlyArray<TokenStore.Backend>, never, Scope.Scope>]
> = [
  ["memory", Effect.all([connect(memory)])],
  [
    "memory, encrypted",
    Effect.flatMap(
      connect(memory),
      (backend) => Effect.all([TokenStore.encrypted(backend, keys), TokenStore.encrypted(backend, keys)])
    )
  ],
  [
    "file",
    Effect.gen(function*() {
      const directory = yield* Effect.orDie(FileSystem.FileSystem.use((fs) => fs.makeTempDirectoryScoped()))
      const store = FileTokenStore.layer({ directory }).pipe(
        Layer.provide(NodeServices.layer),
        Layer.provide(withKeys)
      )
      return [yield* connect(store), yield* connect(store)]
    }).pipe(Effect.provide(NodeServices.layer))
  ],
  ...RedisServer.isThere
    ? [
      [
        "Redis",
        Effect.gen(function*() {
          const store = RedisTokenStore.layer().pipe(
            Layer.provide(RedisServer.layerOf(yield* RedisServer.url)),
            Layer.provide(withKeys)
          )
          return [yield* connect(store), yield* connect(store)]
        })
      ] as const
    ]
    : []
]

describe.concurrent.each(stores)("a store: %s", (_, store) => {
  for (const { name, run } of TokenStoreConformance.cases) {
    it.live(name, () =>
      Effect.gen(function*() {
        const [backend, other] = yield* store
        yield* run(backend!, `test:client:${randomUUID()}`, other)
      }))
  }
})

describe.runIf(RedisServer.isThere)("a store in Redis, where something else has written the version", () => {
  for (const version of ["9007199254740991", "99999999999999999999", "inf", "nan", "abc", "1.5", "-5", ""]) {
    it.live(`nothing is read, and the next process takes the lease and writes: ${JSON.stringify(version)}`, () =>
      Effect.gen(function*() {
        const redis = RedisServer.layerOf(yield* RedisServer.url)
        const backend = yield* connect(RedisTokenStore.layer().pipe(Layer.provide(redis), Layer.provide(withKeys)))
        const { send } = Context.get(yield* Effect.orDie(Layer.build(redis)), Redis.Redis)
        const key = `test:client:${randomUUID()}`
        const minute = Duration.minutes(1)
        const { token } = StoredInRedis.names("spotnana", key)
        yield* send("HSET", token, "version", version, "payload", "payload")
        yield* send("PEXPIRE", token, "60000")
        expect(yield* backend.read(key)).toEqual(Option.none())
        const lease = yield* backend.lease(key, minute)
        expect(lease._tag).toBe("Granted")
        const fence = lease._tag === "Granted" ? lease.fence : 0
        expect(yield* backend.write(key, fence, Redacted.make("payload"), minute)).toBe(true)
        expect(Option.map(yield* backend.read(key), ({ version }) => version)).toEqual(Option.some(fence))
      }))
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
          yield* clock.jump(Duration.toMillis("-1 day"))
          yield* TestClock.adjust(minute)
          expect(yield* backend.read("token")).toEqual(Option.none())
          expect(yield* granted("lease")).toBeGreaterThan(0)
          expect(yield* granted("backoff")).toBeGreaterThan(0)
        }).pipe(Effect.provideContext(clock.context))
      }))
  }
})

describe("encryption", () => {
  const secret = "t0k3n-in-the-store"
  const minute = Duration.minutes(1)
  const key = "production:client:0123"

  /** A store, what it really keeps, and what happens to that before it is read. */
  const tampered = (
    writing: readonly [TokenStore.Key, ...ReadonlyArray<TokenStore.Key>],
    reading: readonly [TokenStore.Key, ...ReadonlyArray<TokenStore.Key>],
    tamper: (payload: string) => string,
    readKey = key
  ) =>
    Effect.gen(function*() {
      const audit = makeAudit()
      const found = yield* audit.run(
        Effect.gen(function*() {
          const { backend } = yield* Effect.provide(TokenStore.TokenStore, memory)
          const writer = yield* TokenStore.encrypted(backend, writing)
          const reader = yield* TokenStore.encrypted({
            ...backend,
            read: () =>
              Effect.map(
                backend.read(key),
                Option.map((stored) => ({
                  ...stored,
                  payload: Redacted.make(tamper(Redacted.value(stored.payload)))
                }))
              )
          }, reading)
          const lease = yield* writer.lease(key, minute)
          expect(lease._tag).toBe("Granted")
          if (lease._tag === "Granted") yield* writer.write(key, lease.fence, Redacted.make(secret), minute)
          const raw = yield* backend.read(key)
          audit.add(Option.map(raw, ({ payload }) => Redacted.value(payload)))
          return yield* reader.read(readKey)
        }).pipe(Effect.scoped)
      )
      const warned = audit.text().includes("cannot be decrypted")
      expect(audit.search([secret])).toEqual([])
      return [Option.isSome(found) ? Redacted.value(found.value.payload) : "absent", warned] as const
    })

  const same = (payload: string) => payload
  const [one, two] = [newKey(), newKey()]
  const flip = (index: number) => (payload: string) => {
    const bytes = Buffer.from(payload, "base64")
    bytes[index < 0 ? bytes.length + index : index]! ^= 1
    return bytes.toString("base64")
  }

  it.effect("what is written is read, by any of the keys", () =>
    Effect.gen(function*() {
      expect(yield* tampered([one], [one], same)).toEqual([secret, false])
      expect(yield* tampered([one], [two, one], same)).toEqual([secret, false])
      expect(yield* tampered([two, one], [two], same)).toEqual([secret, false])
    }))

  const damages: ReadonlyArray<readonly [string, (payload: string) => string]> = [
    ["a bit of the nonce changed", flip(0)],
    ["a bit of the text changed", flip(20)],
    ["a bit of the tag changed", flip(-1)],
    ["cut off", (payload) => payload.slice(0, 30)],
    ["cut off within the nonce", (payload) => payload.slice(0, 8)],
    ["emptied", () => ""],
    ["no Base64", () => "§§§"],
    ["in the clear", () => secret]
  ]
  for (const [title, tamper] of damages) {
    it.effect(`counts as absent, with a warning, when it is ${title}`, () =>
      Effect.gen(function*() {
        expect(yield* tampered([one], [one], tamper)).toEqual(["absent", true])
      }))
  }

  it.effect("counts as absent, with a warning, under another key and for another client", () =>
    Effect.gen(function*() {
      expect(yield* tampered([one], [two], same)).toEqual(["absent", true])
      expect(yield* tampered([one], [one], same, "production:other:0123")).toEqual(["absent", true])
      expect(yield* tampered([one], [one], same, "sandbox:client:0123")).toEqual(["absent", true])
    }))

  it.effect("is warned of once, however often it is read", () =>
    Effect.gen(function*() {
      const audit = makeAudit()
      yield* audit.run(
        Effect.gen(function*() {
          const { backend } = yield* Effect.provide(TokenStore.TokenStore, memory)
          const [writer, reader] = [
            yield* TokenStore.encrypted(backend, [one]),
            yield* TokenStore.encrypted(backend, [two])
          ]
          for (let n = 0; n < 2; n++) {
            const lease = yield* writer.lease(key, minute)
            if (lease._tag === "Granted") yield* writer.write(key, lease.fence, Redacted.make(secret), minute)
            for (let times = 0; times < 10; times++) expect(yield* reader.read(key)).toEqual(Option.none())
          }
        }).pipe(Effect.scoped)
      )
      const lines = audit.text().split("\n").filter((line) =>
        line.startsWith("{") && line.includes("cannot be decrypted")
      )
      expect(lines.length).toBe(2)
    }))

  it.effect("no two writings look alike", () =>
    Effect.gen(function*() {
      const payloads = new Set<string>()
      const { backend } = yield* Effect.provide(TokenStore.TokenStore, memory)
      const store = yield* TokenStore.encrypted({
        ...backend,
        write: (...args) => {
          payloads.add(Redacted.value(args[2]))
          return backend.write(...args)
        }
      }, keys)
      for (let n = 0; n < 100; n++) {
        const lease = yield* store.lease(key, minute)
        if (lease._tag === "Granted") yield* store.write(key, lease.fence, Redacted.make(secret), minute)
      }
      expect(payloads.size).toBe(100)
    }).pipe(Effect.scoped))

  const mistakes: ReadonlyArray<readonly [string, Record<string, string>, string]> = [
    ["no key", {}, "SPOTNANA_TOKEN_STORE_KEYS is missing"],
    ["an empty one", { SPOTNANA_TOKEN_STORE_KEYS: " , " }, "SPOTNANA_TOKEN_STORE_KEYS is missing"],
    ["a short one", { SPOTNANA_TOKEN_STORE_KEYS: keysText.slice(0, 40) }, "SPOTNANA_TOKEN_STORE_KEYS cannot be used"],
    ["no Base64", { SPOTNANA_TOKEN_STORE_KEYS: "§".repeat(44) }, "SPOTNANA_TOKEN_STORE_KEYS cannot be used"],
    ["one of two wrong", { SPOTNANA_TOKEN_STORE_KEYS: `${keysText},x` }, "SPOTNANA_TOKEN_STORE_KEYS cannot be used"]
  ]
  for (const [title, variables, message] of mistakes) {
    it.effect(`with ${title} the Redis store does not start, says how to make one, and shows none`, () =>
      Effect.gen(function*() {
        const exit = yield* Effect.exit(Effect.scoped(Layer.build(
          RedisTokenStore.layerWith(Layer.effect(Redis.Redis, Effect.never)).pipe(Layer.provide(environment(variables)))
        )))
        expect(Exit.isFailure(exit)).toBe(true)
        expect(print(exit)).toContain(message)
        expect(print(exit)).toContain("Make one with: node -p")
        const value = variables.SPOTNANA_TOKEN_STORE_KEYS?.trim() ?? ""
        if (value.length > 10) expect(print(exit)).not.toContain(value)
      }))
  }

  it.effect("the command that makes a key makes one", () =>
    Effect.gen(function*() {
      const { stdout } = spawnSync(process.execPath, ["-p", "crypto.randomBytes(32).toString(\"base64\")"], {
        encoding: "utf8"
      })
      const made = yield* Effect.provide(TokenStore.keys, environment({ SPOTNANA_TOKEN_STORE_KEYS: stdout }))
      expect(made.length).toBe(1)
      expect(print(made)).not.toContain(stdout.trim())
    }))
})
