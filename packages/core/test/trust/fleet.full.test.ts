import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { NodeServices } from "@effect/platform-node"
import { afterAll, describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Fiber, FileSystem, Layer, Redacted } from "effect"
import { HttpServer } from "effect/http"
import { Redis } from "effect/persistence"
import { makeAudit } from "../support/audit.ts"
import { reportFigure } from "../support/figures.ts"
import { clientSecret } from "../support/harness.ts"
import * as RedisServer from "../support/redis.ts"
import { onSocket } from "../support/sockets.ts"
import * as Workers from "./fleet/workers.ts"

const mock = MockSpotnana.MockSpotnana
const tokenRequests = mock.use((_) => _.tokenRequests)
const baseUrl = HttpServer.addressFormattedWith((baseUrl) => Effect.succeed(baseUrl))

const pool = Workers.makePool()
afterAll(pool.end)

/** Waits until the token endpoint has been asked so often. */
const asked = (times: number): Effect.Effect<void, never, MockSpotnana.MockSpotnana> =>
  Effect.flatMap(tokenRequests, (count) => count >= times ? Effect.void : Effect.andThen(Effect.sleep(5), asked(times)))

const tokensOf = (
  reports: ReadonlyArray<{ readonly token?: string }>
) => [...new Set(reports.map(({ token }) => token))]

const spotnana = onSocket({ tokenLatency: "300 millis" })

const directory = Effect.orDie(FileSystem.FileSystem.use((fs) => fs.makeTempDirectoryScoped()))

/** The kinds of store that processes can share, each with a place of its own for a test. */
const stores = [
  ["a directory", Effect.map(directory, (directory) => ({ directory }))],
  ...RedisServer.isThere
    ? [
      ["Redis", Effect.map(RedisServer.url, (redis) => ({ redis, namespace: `test-${crypto.randomUUID()}` }))] as const
    ]
    : []
] as const

describe.each(stores)("processes that share %s", (name, place) => {
  it.live("twenty that start cold make one token request, and a late one none", (context) =>
    Effect.gen(function*() {
      const options = { ...yield* place, baseUrl: yield* baseUrl }
      const workers = yield* pool.startAll(20, options)
      const reports = yield* Workers.together(workers.map(({ get }) => get))
      expect(tokensOf(reports).length).toBe(1)
      expect(reports[0]!.token).toBeDefined()
      const late = yield* pool.start(options)
      expect(tokensOf([...reports, yield* late.get]).length).toBe(1)
      expect(yield* tokenRequests).toBe(1)
      reportFigure(context, {
        of: `processes that start cold together on ${name}`,
        figure: "20",
        claim: "one token request"
      })
    }).pipe(Effect.provide(Layer.mergeAll(spotnana, NodeServices.layer))))

  it.live("when one process gets a 401, the token is replaced once, and no other process sends it", () =>
    Effect.gen(function*() {
      const workers = yield* pool.startAll(5, { ...yield* place, baseUrl: yield* baseUrl })
      yield* Workers.together(workers.map(({ call }) => call))
      yield* mock.use((_) => _.revokeTokens)
      expect(yield* workers[0]!.call).toMatchObject({ status: 200 })
      // What is told takes a moment to arrive.
      yield* Effect.sleep("2 seconds")
      yield* mock.use((_) => _.clearLedger)
      const reports = yield* Workers.together(workers.map(({ call }) => call))
      expect(reports.map(({ status }) => status)).toEqual(workers.map(() => 200))
      expect((yield* mock.use((_) => _.ledger)).map(({ status }) => status)).toEqual(workers.map(() => 200))
    }).pipe(Effect.provide(Layer.mergeAll(spotnana, NodeServices.layer))))

  it.live("processes that get a 401 at the same time make one token request", () =>
    Effect.gen(function*() {
      const workers = yield* pool.startAll(10, { ...yield* place, baseUrl: yield* baseUrl })
      yield* Workers.together(workers.map(({ call }) => call))
      yield* mock.use((_) => _.revokeTokens)
      const reports = yield* Workers.together(workers.map(({ call }) => call))
      expect(reports.map(({ status }) => status)).toEqual(workers.map(() => 200))
      expect(yield* tokenRequests).toBe(2)
    }).pipe(Effect.provide(Layer.mergeAll(spotnana, NodeServices.layer))))

  it.live("kill -9 of the one that is asking: another one asks, and all go on", () =>
    Effect.gen(function*() {
      const options = { ...yield* place, baseUrl: yield* baseUrl }
      const [victim, ...others] = yield* pool.startAll(5, options)
      yield* mock.use((_) => _.inject("token", Fault.hang))
      yield* Effect.forkChild(victim!.get)
      yield* asked(1)
      const waiting = yield* Effect.forkChild(Workers.together(others.map(({ get }) => get)))
      yield* Effect.sleep("500 millis")
      yield* victim!.signal("SIGKILL")
      const reports = yield* Fiber.join(waiting)
      expect(tokensOf(reports).length).toBe(1)
      expect(reports[0]!.token).toBeDefined()
      expect(yield* tokenRequests).toBe(2)
    }).pipe(Effect.provide(Layer.mergeAll(spotnana, NodeServices.layer))))

  it.live("a process that was stopped for longer than its lease replaces no newer token", () =>
    Effect.gen(function*() {
      const options = { ...yield* place, baseUrl: yield* baseUrl }
      const [sleeper, other] = yield* pool.startAll(2, options)
      const slept = yield* Effect.forkChild(sleeper!.get)
      yield* asked(1)
      yield* sleeper!.signal("SIGSTOP")
      const report = yield* other!.get
      expect(report.token).toBeDefined()
      expect(yield* tokenRequests).toBe(2)
      yield* sleeper!.signal("SIGCONT")
      // It has an answer of its own by now, and takes the newer one.
      const late = yield* Fiber.join(slept)
      const third = yield* pool.start(options)
      expect(tokensOf([report, late, yield* third.get, yield* other!.get]).length).toBe(1)
      expect(yield* tokenRequests).toBe(2)
    }).pipe(Effect.provide(Layer.mergeAll(spotnana, NodeServices.layer))))

  it.live("a refusal to hand out tokens is everybody's, and costs one request", () =>
    Effect.gen(function*() {
      const workers = yield* pool.startAll(5, { ...yield* place, baseUrl: yield* baseUrl })
      yield* mock.use((_) =>
        _.inject("token", Fault.rateLimited({ retryAfter: Duration.minutes(1) }), { times: Infinity })
      )
      const reports = yield* Workers.together(workers.map(({ get }) => get))
      expect(reports.map(({ error }) => error)).toEqual(workers.map(() => "TokenEndpointUnavailable"))
      expect(yield* tokenRequests).toBe(1)
    }).pipe(Effect.provide(Layer.mergeAll(spotnana, NodeServices.layer))))
})

const alone = "The token store cannot be used; this process requests tokens by itself until it can"

describe.skipIf(!RedisServer.canStart && process.env.CI === undefined)("a fleet whose Redis", () => {
  const own = Effect.gen(function*() {
    const server = yield* RedisServer.serve()
    return { server, options: { redis: server.url, namespace: "test", baseUrl: yield* baseUrl } }
  })

  it.live("no call fails when it is killed and comes back empty, and the processes share a token again", () =>
    Effect.gen(function*() {
      const { options, server } = yield* own
      const workers = yield* pool.startAll(3, options)
      yield* Workers.together(workers.map(({ call }) => call))
      yield* server.kill
      const during = yield* Workers.together(workers.map(({ call }) => call))
      expect(during.map(({ status }) => status)).toEqual([200, 200, 200])
      expect(yield* tokenRequests).toBe(1)
      // Each goes on by itself where it needs a token now.
      yield* mock.use((_) => _.revokeTokens)
      const alone3 = yield* Workers.together(workers.map(({ call }) => call))
      expect(alone3.map(({ status }) => status)).toEqual([200, 200, 200])
      expect(yield* tokenRequests).toBe(4)
      for (const { logs } of workers) expect(logs).toContain(alone)
      // One that starts meanwhile starts all the same.
      const late = yield* pool.start(options)
      expect(yield* late.call).toMatchObject({ status: 200 })
      expect(yield* tokenRequests).toBe(5)
      yield* server.start
      yield* Effect.sleep("6 seconds")
      yield* mock.use((_) => _.revokeTokens)
      const after = yield* Workers.together([...workers, late].map(({ call }) => call))
      expect(after.map(({ status }) => status)).toEqual([200, 200, 200, 200])
      expect(yield* tokenRequests).toBe(6)
    }).pipe(Effect.provide(spotnana)))

  for (
    const [title, freeze] of [["is paused (CLIENT PAUSE)", false], ["is partitioned away (SIGSTOP)", true]] as const
  ) {
    it.live(`${title}: a cold start goes on by itself within seconds`, () =>
      Effect.gen(function*() {
        const { options, server } = yield* own
        const workers = yield* pool.startAll(2, options)
        yield* freeze
          ? server.signal("SIGSTOP")
          : Redis.Redis.use((redis) => redis.send("CLIENT", "PAUSE", "8000", "ALL")).pipe(
            Effect.provide(RedisServer.layerOf(server.url))
          )
        const reports = yield* Workers.together(workers.map(({ get }) => get))
        for (const { token } of reports) expect(token).toBeDefined()
        expect(yield* tokenRequests).toBe(2)
        for (const { logs } of workers) expect(logs).toContain(alone)
        if (freeze) yield* server.signal("SIGCONT")
        else yield* Effect.sleep("8 seconds")
        yield* Effect.sleep("2 seconds")
        yield* mock.use((_) => _.revokeTokens)
        const after = yield* Workers.together(workers.map(({ call }) => call))
        expect(after.map(({ status }) => status)).toEqual([200, 200])
        expect(yield* tokenRequests).toBe(3)
      }).pipe(Effect.provide(spotnana)))
  }

  it.live("two namespaces share no entry, and no token is stored unencrypted", () =>
    Effect.gen(function*() {
      const { options, server } = yield* own
      const [one, two] = yield* Effect.all([
        pool.start({ ...options, namespace: "one" }),
        pool.start({ ...options, namespace: "two" })
      ])
      expect(tokensOf([yield* one.get, yield* two.get]).length).toBe(2)
      expect(yield* tokenRequests).toBe(2)
      const tokens = (yield* mock.use((_) => _.ledger)).flatMap(({ token }) =>
        token === undefined ? [] : [Redacted.value(token)]
      )
      const dump = yield* Effect.gen(function*() {
        const redis = yield* Redis.Redis
        const keys = yield* redis.send<ReadonlyArray<string>>("KEYS", "*")
        const values = yield* Effect.forEach(keys, (key) => redis.send("HGETALL", key))
        return { keys, text: JSON.stringify([keys, values]) }
      }).pipe(Effect.provide(RedisServer.layerOf(server.url)))
      expect(dump.keys.length).toBe(2)
      const audit = makeAudit()
      audit.add(dump.text)
      expect(audit.search([...tokens, Redacted.value(clientSecret)])).toEqual([])
    }).pipe(Effect.provide(spotnana)))
})
