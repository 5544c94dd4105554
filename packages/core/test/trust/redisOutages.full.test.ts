import { WebhookDeliveries } from "@effect-spotnana/core"
import { MockSpotnana } from "@effect-spotnana/testing"
import { NodeRedis } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, Schedule } from "effect"
import { HttpServer } from "effect/http"
import * as RedisServer from "../support/redis.ts"
import { onSocket } from "../support/sockets.ts"
import { makeProxy } from "./redisServers/proxy.ts"
import {
  backendOn,
  callsOf,
  closer,
  granted,
  instance,
  key,
  minute,
  recommended,
  recommendedInShort,
  send,
  spotnana,
  storeOn,
  together
} from "./redisServers/subjects.ts"
import type { RedisOptions } from "./redisServers/subjects.ts"

const mock = MockSpotnana.MockSpotnana

/** What happens to a server before a process that uses it starts, or before its scope is closed. */
interface Trouble {
  readonly first?: (server: RedisServer.Server) => Effect.Effect<void>
  readonly later?: (server: RedisServer.Server) => Effect.Effect<void>
  readonly isAcquiring?: boolean
}

const isSkipped = !RedisServer.canStart && process.env.CI === undefined

describe.skipIf(isSkipped).concurrent("a Redis, with the options that are recommended", () => {
  it.live("killed and started again: they are one again, and tell each other", () =>
    Effect.gen(function*() {
      const server = yield* RedisServer.serve()
      const redis = { ...recommended, url: server.url }
      const [one, two] = [yield* instance(storeOn(redis)), yield* instance(storeOn(redis))]
      yield* callsOf([one, two])
      yield* server.kill
      yield* Effect.sleep("3 seconds")
      yield* server.start
      yield* together([one, two])
      // Subscriptions are renewed once a second.
      yield* Effect.sleep("3 seconds")
      yield* mock.use((_) => _.revokeTokens)
      yield* callsOf([one])
      const { value } = yield* one.provider.get
      // Long before anybody would look by himself.
      const heard = Effect.repeat(two.provider.get, {
        until: (token) => Redacted.value(token.value) === Redacted.value(value),
        schedule: Schedule.spaced("100 millis")
      })
      yield* Effect.timeout(heard, "15 seconds")
    }).pipe(Effect.provide(spotnana)))

  it.live("frozen for longer than a socket may be silent, which node-redis takes for its end: they are one again", () =>
    Effect.gen(function*() {
      const server = yield* RedisServer.serve()
      const redis = { ...recommended, url: server.url, pingInterval: 500, socket: { socketTimeout: 1_000 } }
      const instances = [yield* instance(storeOn(redis)), yield* instance(storeOn(redis))]
      yield* callsOf(instances)
      yield* server.signal("SIGSTOP")
      yield* Effect.sleep("3 seconds")
      yield* server.signal("SIGCONT")
      yield* together(instances)
    }).pipe(Effect.provide(spotnana)))

  it.live("down at the start, then frozen for longer than a socket may be silent: webhooks are handled again afterwards", () =>
    Effect.gen(function*() {
      const server = yield* RedisServer.serve()
      yield* server.kill
      const redis = NodeRedis.layer({
        ...recommended,
        url: server.url,
        pingInterval: 500,
        socket: { socketTimeout: 1_000 }
      })
      const services = yield* Layer.build(WebhookDeliveries.layerRedisWith(redis))
      const { once } = Context.get(services, WebhookDeliveries.WebhookDeliveries)
      const handle = (id: string) =>
        once(id, { handle: Effect.succeed("handled"), duplicate: Effect.succeed("duplicate") })
      const handledInTheEnd = (id: string) =>
        Effect.retry(handle(id), { schedule: Schedule.spaced("500 millis"), times: 120 })
      expect((yield* Effect.flip(handle("msg_1"))).message).toContain("Redis is not connected: ")
      yield* server.start
      expect(yield* handledInTheEnd("msg_1")).toBe("handled")
      yield* server.signal("SIGSTOP")
      yield* Effect.sleep("3 seconds")
      expect((yield* Effect.flip(handle("msg_2"))).reason).toBe("Store")
      yield* server.signal("SIGCONT")
      expect(yield* handledInTheEnd("msg_2")).toBe("handled")
      expect(yield* handle("msg_1")).toBe("duplicate")
    }))

  it.live("a server that becomes a replica and is connected to all the same: they follow to the new one", () =>
    Effect.gen(function*() {
      const [old, next] = [yield* RedisServer.serve(), yield* RedisServer.serve()]
      const proxy = yield* makeProxy(old.port)
      const redis = { ...recommended, url: proxy.url }
      const instances = [yield* instance(storeOn(redis)), yield* instance(storeOn(redis))]
      yield* callsOf(instances)
      yield* proxy.lead(next.port)
      yield* send(old, `REPLICAOF 127.0.0.1 ${next.port}`)
      yield* together(instances)
    }).pipe(Effect.provide(spotnana)))

  /** What becomes of a lease that was asked for while the server was out of reach, and given up, once it is back. */
  const givenUp = (options: RedisOptions) =>
    Effect.gen(function*() {
      const server = yield* RedisServer.serve()
      const proxy = yield* makeProxy(server.port)
      const backend = yield* backendOn({ ...options, url: proxy.url })
      yield* backend.release(key, yield* granted(backend))
      yield* proxy.close
      // Whatever becomes of this one, the client has noticed by then.
      yield* Effect.exit(Effect.timeout(backend.read(key), "500 millis"))
      yield* Effect.exit(Effect.timeout(backend.lease(key, minute), "500 millis"))
      yield* proxy.open
      yield* Effect.retry(backend.read(key), Schedule.spaced("50 millis"))
      return (yield* backend.lease(key, minute))._tag
    })

  it.live("no command is executed that was given up; by default it is", () =>
    Effect.gen(function*() {
      expect(yield* Effect.all([givenUp(recommended), givenUp({})], { concurrency: 2 })).toEqual(["Granted", "Held"])
    }))

  const troubles: ReadonlyArray<readonly [string, Trouble]> = [
    ["while Redis answers", {}],
    ["while Redis is frozen and has not answered", { later: (server) => server.signal("SIGSTOP") }],
    ["while Redis is gone", { later: (server) => server.kill }],
    ["with a Redis that was never there", { first: (server) => server.kill }],
    ["with a Redis that never answered", { first: (server) => server.signal("SIGSTOP") }],
    ["while a token is requested and Redis is frozen", {
      isAcquiring: true,
      later: (server) => server.signal("SIGSTOP")
    }],
    ["while a token is requested and Redis is gone", { isAcquiring: true, later: (server) => server.kill }]
  ]
  for (const [when, { first, isAcquiring = false, later }] of troubles) {
    it.live(`invariant 11: a process whose scope is closed ${when} exits by itself`, () =>
      Effect.gen(function*() {
        const server = yield* RedisServer.serve()
        if (first !== undefined) yield* first(server)
        const baseUrl = yield* HttpServer.addressFormattedWith((baseUrl) => Effect.succeed(baseUrl))
        const closing = yield* closer({ baseUrl, isAcquiring, redis: { ...recommendedInShort, url: server.url } })
        // Long enough for its subscription, and for the token request to have left.
        yield* Effect.sleep("1 second")
        if (later !== undefined) yield* later(server)
        expect(yield* closing).toEqual([0, "closed\n"])
      }).pipe(Effect.provide(onSocket({ tokenLatency: isAcquiring ? "1 hour" : 0 }))))
  }
})
