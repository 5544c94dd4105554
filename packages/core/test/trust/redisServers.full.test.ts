import { WebhookDeliveries } from "@effect-spotnana/core"
import { MockSpotnana } from "@effect-spotnana/testing"
import { NodeRedis } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Redacted } from "effect"
import { makeCertificate } from "../support/certificate.ts"
import * as RedisServer from "../support/redis.ts"
import { makeProxy } from "./redisServers/proxy.ts"
import {
  backendOn,
  callsOf,
  conforms,
  granted,
  instance,
  key,
  minute,
  recommended,
  send,
  spotnana,
  storeOn,
  together,
  tokenRequests,
  warnings
} from "./redisServers/subjects.ts"
import type { RedisOptions } from "./redisServers/subjects.ts"

const mock = MockSpotnana.MockSpotnana

const newCertificate = Effect.promise(makeCertificate)

/** Two processes that start cold on a server make one token request. */
const share = (redis: RedisOptions) =>
  Effect.gen(function*() {
    const instances = yield* Effect.all([instance(storeOn(redis)), instance(storeOn(redis))])
    const tokens = yield* Effect.all(instances.map(({ provider }) => provider.get), { concurrency: "unbounded" })
    expect(new Set(tokens.map(({ value }) => Redacted.value(value))).size).toBe(1)
    expect(yield* tokenRequests).toBe(1)
  }).pipe(Effect.provide(spotnana))

/** What a process logs that starts on a server it cannot use; it has its token all the same. */
const alone = (redis: RedisOptions, { namespace, secrets }: {
  readonly namespace?: string
  readonly secrets?: ReadonlyArray<string>
} = {}) =>
  Effect.gen(function*() {
    const lines = yield* warnings(
      Effect.scoped(Effect.flatMap(instance(storeOn(redis, namespace)), ({ provider }) => provider.get)),
      secrets
    )
    expect(yield* tokenRequests).toBe(1)
    expect(lines.length).toBe(1)
    return lines[0]!
  }).pipe(Effect.provide(spotnana))

describe.skipIf(!RedisServer.canStart && process.env.CI === undefined)("a Redis", () => {
  describe("with TLS", () => {
    it.live("is shared by who trusts its certificate", () =>
      Effect.gen(function*() {
        const tls = yield* newCertificate
        const { url } = yield* RedisServer.serve({ tls })
        const redis = { ...recommended, url, socket: { ...recommended.socket, ca: tls.cert } } as const
        yield* conforms(storeOn(redis))
        yield* share(redis)
      }))

    it.live("is not used by who does not: it goes on by itself, and says why", () =>
      Effect.gen(function*() {
        const { url } = yield* RedisServer.serve({ tls: yield* newCertificate })
        expect(yield* alone({ url })).toContain("self-signed certificate")
        const { cert } = yield* newCertificate
        expect(yield* alone({ url, socket: { tls: true, ca: cert } })).toContain("certificate")
      }))
  })

  // What the documentation says to allow, and nothing else.
  const rule = [
    "~spotnana:*",
    "&spotnana:*",
    ..."+evalsha +script|load +subscribe +ping".split(" "),
    // What the scripts call.
    ..."+get +set +del +pexpire +pttl +hget +hset +hmget +publish +time".split(" ")
  ]

  for (const binary of ["redis-server", "valkey-server"] as const) {
    describe.skipIf(!RedisServer.has(binary))(`with access rules, ${binary}`, () => {
      const password = "p4ssw0rd/+="
      const withUser = (rule: ReadonlyArray<string>) =>
        Effect.gen(function*() {
          const { url } = yield* RedisServer.serve({ binary })
          yield* send({ url }, `ACL SETUSER spotnana on >${password} resetkeys resetchannels -@all ${rule.join(" ")}`)
          return { ...recommended, url, username: "spotnana", password }
        })

      it.live("needs no more than what is documented", () =>
        Effect.gen(function*() {
          const redis = yield* withUser(rule)
          yield* conforms(storeOn(redis))
          yield* share(redis)
        }))

      it.live("webhook deliveries need no more than what is documented", () =>
        Effect.gen(function*() {
          const redis = yield* withUser(["~webhook:*", ..."+evalsha +script|load +get +set +del +ping".split(" ")])
          const deliveries = WebhookDeliveries.layerRedisWith(NodeRedis.layer(redis), { prefix: "webhook:" })
          const once = <A, E>(handle: Effect.Effect<A, E>) =>
            WebhookDeliveries.WebhookDeliveries.use((_) => _.once("msg_1", { handle, duplicate: Effect.succeed("no") }))
          yield* Effect.gen(function*() {
            expect(yield* Effect.flip(once(Effect.fail("failed")))).toBe("failed")
            expect(yield* once(Effect.succeed("handled"))).toBe("handled")
            expect(yield* once(Effect.succeed("twice"))).toBe("no")
          }).pipe(Effect.provide(deliveries))
        }))

      it.live("needs all of that", () =>
        Effect.gen(function*() {
          const { url } = yield* withUser(rule)
          // `PING` is the interval's, and no test waits for that.
          const needed = rule.filter((part) => part !== "+ping")
          const enough = yield* Effect.filter(
            needed,
            (part, n) =>
              Effect.gen(function*() {
                const rest = needed.filter((other) => other !== part)
                yield* send({ url }, `ACL SETUSER user${n} on >${password} resetchannels -@all ${rest.join(" ")}`)
                const exit = yield* Effect.exit(conforms(storeOn({ url, username: `user${n}`, password })))
                return Exit.isSuccess(exit)
              }),
            { concurrency: 4 }
          )
          expect(enough).toEqual([])
        }))

      it.live("says what it refuses: a namespace, a command, a password", () =>
        Effect.gen(function*() {
          const redis = yield* withUser(rule)
          const secrets = [password, "an0ther-p4ssw0rd"]
          expect(yield* alone(redis, { namespace: "other", secrets })).toContain("NOPERM")
          expect(yield* alone({ ...redis, password: "an0ther-p4ssw0rd" }, { secrets })).toContain("WRONGPASS")
          yield* send({ url: redis.url }, "ACL SETUSER spotnana -set")
          expect(yield* alone(redis, { secrets })).toMatch(
            /can't run this command|no permissions to run the 'set' command/
          )
        }))
    })
  }

  it.live("in a cluster: what a script touches is in one slot", () =>
    Effect.gen(function*() {
      const { url } = yield* RedisServer.serve({ args: ["--cluster-enabled", "yes"] })
      yield* send({ url }, "CLUSTER ADDSLOTSRANGE 0 16383")
      yield* Effect.repeat(send({ url }, "CLUSTER INFO"), {
        until: ([info]) => String(info).includes("cluster_state:ok")
      })
      yield* conforms(storeOn({ ...recommended, url }))
      yield* share({ url })
    }))

  it.live("that loses what it had: fences go on rising, and who is late writes nothing", () =>
    Effect.gen(function*() {
      const { url } = yield* RedisServer.serve()
      const backend = yield* backendOn({ url })
      const payload = Redacted.make("payload")
      const first = yield* granted(backend)
      yield* backend.write(key, first, payload, minute)
      const second = yield* granted(backend)
      yield* send({ url }, "FLUSHALL")
      const third = yield* granted(backend)
      expect([first < second, second < third]).toEqual([true, true])
      expect(yield* backend.write(key, second, payload, minute)).toBe(false)
      expect(yield* backend.write(key, third, payload, minute)).toBe(true)
    }))

  it.live("that evicts the token: it costs one more request", () =>
    Effect.gen(function*() {
      const { url } = yield* RedisServer.serve()
      const [one, two] = [yield* instance(storeOn({ url })), yield* instance(storeOn({ url }))]
      yield* one.provider.get
      yield* send({ url }, "CONFIG SET maxmemory-policy allkeys-lru", "CONFIG SET maxmemory 1")
      yield* Effect.repeat(send({ url }, "DBSIZE"), { until: ([size]) => size === 0 })
      yield* send({ url }, "CONFIG SET maxmemory 0")
      yield* two.provider.get
      expect(yield* tokenRequests).toBe(2)
    }).pipe(Effect.provide(spotnana)))

  it.live("that is full: each goes on by itself, and says why", () =>
    Effect.gen(function*() {
      const { url } = yield* RedisServer.serve({ args: ["--maxmemory", "1", "--maxmemory-policy", "noeviction"] })
      expect(yield* alone({ url })).toContain("OOM")
    }))

  it.live("that is a replica for a while: each goes on by itself, says why, and comes back", () =>
    Effect.gen(function*() {
      const { url } = yield* RedisServer.serve()
      const lines = yield* warnings(Effect.scoped(Effect.gen(function*() {
        const instances = [yield* instance(storeOn({ url })), yield* instance(storeOn({ url }))]
        yield* callsOf(instances)
        yield* send({ url }, "REPLICAOF 127.0.0.1 1")
        yield* mock.use((_) => _.revokeTokens)
        expect(yield* callsOf(instances)).toEqual({ statuses: [200, 200], tokenRequests: 2 })
        yield* send({ url }, "REPLICAOF NO ONE")
        yield* together(instances)
      })))
      expect(lines.map((line) => line.includes("READONLY"))).toEqual([true, true])
    }).pipe(Effect.provide(spotnana)))

  it.live("that fails over to one without the last writes: nobody goes back to the token that is stored there", () =>
    Effect.gen(function*() {
      const primary = yield* RedisServer.serve({ args: ["--repl-diskless-sync-delay", "0"] })
      const replica = yield* RedisServer.serve()
      const tokens = (server: RedisServer.Server) => send(server, "KEYS spotnana:*:token")
      const version = (server: RedisServer.Server) =>
        Effect.flatMap(tokens(server), ([names]) => send(server, `HGET ${(names as ReadonlyArray<string>)[0]} version`))
      yield* send(replica, `REPLICAOF 127.0.0.1 ${primary.port}`)
      const proxy = yield* makeProxy(primary.port)
      const redis = { ...recommended, url: proxy.url }
      const instances = [yield* instance(storeOn(redis)), yield* instance(storeOn(redis))]
      yield* callsOf(instances)
      yield* Effect.repeat(tokens(replica), { until: ([names]) => (names as ReadonlyArray<string>).length === 1 })
      yield* send(replica, "REPLICAOF NO ONE")
      // Rejected and replaced, of which the replica knows nothing.
      yield* mock.use((_) => _.revokeTokens)
      expect((yield* callsOf(instances.slice(0, 1))).tokenRequests).toBe(1)
      const [lost] = yield* version(primary)
      yield* proxy.close
      yield* proxy.lead(replica.port)
      yield* proxy.open
      // By now they are connected again, and have read what is stored.
      yield* Effect.sleep("2 seconds")
      expect(yield* callsOf(instances)).toEqual({ statuses: [200, 200], tokenRequests: 0 })
      // Who starts begins with the token that is stored, is refused once, and has the next one.
      const late = yield* instance(storeOn(redis))
      expect(yield* callsOf([late])).toEqual({ statuses: [200], tokenRequests: 1 })
      expect(Number((yield* version(replica))[0])).toBeGreaterThan(Number(lost))
      yield* together([...instances, late])
    }).pipe(Effect.provide(spotnana)))
})
