// Redis Cluster and Redis with Sentinel, on loopback, with the clients of node-redis that the documentation shows.
import { MockSpotnana } from "@effect-spotnana/testing"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Option, Schedule } from "effect"
import type { Scope } from "effect"
import { createCluster, createSentinel } from "redis"
import * as RedisServer from "../support/redis.ts"
import { callsOf, conforms, instance, send, spotnana, storeOnClient, together } from "./redisServers/subjects.ts"
import type { Instance } from "./redisServers/subjects.ts"

const mock = MockSpotnana.MockSpotnana

/** What the clients of a cluster and of sentinels have in common. */
interface NodeClient {
  readonly eval: (script: string, options: { keys: Array<string>; arguments: Array<string> }) => Promise<unknown>
  readonly subscribe: (channel: string, listener: (message: unknown) => void) => Promise<unknown>
  readonly unsubscribe: (channel: string, listener: (message: unknown) => void) => Promise<unknown>
}

const clientOf = (client: NodeClient) => ({
  eval: (script: string, keys: Array<string>, args: Array<string>) => client.eval(script, { keys, arguments: args }),
  subscribe: async (channel: string, onMessage: (message: unknown) => void) => {
    await client.subscribe(channel, onMessage)
    return () => client.unsubscribe(channel, onMessage)
  }
})

const storeOnCluster = (servers: ReadonlyArray<RedisServer.Server>) =>
  storeOnClient(Effect.gen(function*() {
    const cluster = createCluster({ rootNodes: servers.map(({ url }) => ({ url })) })
    cluster.on("error", () => {})
    yield* Effect.acquireRelease(
      Effect.tryPromise(() => cluster.connect()),
      () => Effect.sync(() => cluster.destroy())
    )
    return clientOf(cluster)
  }))

const storeOnSentinels = (sentinels: ReadonlyArray<RedisServer.Server>) =>
  storeOnClient(Effect.gen(function*() {
    const sentinel = createSentinel({
      name: "main",
      sentinelRootNodes: sentinels.map(({ port }) => ({ host: "127.0.0.1", port }))
    })
    sentinel.on("error", () => {})
    yield* Effect.acquireRelease(
      Effect.tryPromise(() => sentinel.connect()),
      () => Effect.promise(() => sentinel.destroy())
    )
    return clientOf(sentinel)
  }))

const says = (server: RedisServer.Server, command: string, text: string) =>
  Effect.repeat(send(server, command), {
    until: ([answer]) => String(answer).includes(text),
    schedule: Schedule.spaced("100 millis")
  })

const clusterNode = Effect.gen(function*() {
  const bus = yield* Effect.promise(RedisServer.freePort)
  const args = ["--cluster-enabled", "yes", "--cluster-port", `${bus}`, "--cluster-node-timeout", "1000"]
  return { ...yield* RedisServer.serve({ args }), bus }
})

/** Three primaries, each with a third of the slots. */
const cluster = Effect.gen(function*() {
  const [first, second, third] = [yield* clusterNode, yield* clusterNode, yield* clusterNode]
  yield* send(first, "CLUSTER ADDSLOTSRANGE 0 5460")
  yield* send(second, "CLUSTER ADDSLOTSRANGE 5461 10922")
  yield* send(third, "CLUSTER ADDSLOTSRANGE 10923 16383")
  for (const { bus, port } of [second, third]) yield* send(first, `CLUSTER MEET 127.0.0.1 ${port} ${bus}`)
  const nodes = [first, second, third]
  for (const node of nodes) yield* says(node, "CLUSTER INFO", "cluster_known_nodes:3")
  for (const node of nodes) yield* says(node, "CLUSTER INFO", "cluster_state:ok")
  return nodes
})

/** Adds a replica to the primary that has the token. */
const withReplica = (nodes: ReadonlyArray<{ readonly bus: number } & RedisServer.Server>) =>
  Effect.gen(function*() {
    const sizes = yield* Effect.forEach(nodes, (node) => send(node, "DBSIZE"))
    const primary = nodes[sizes.findIndex(([size]) => Number(size) > 0)]!
    const replica = yield* clusterNode
    yield* send(replica, `CLUSTER MEET 127.0.0.1 ${primary.port} ${primary.bus}`)
    for (const node of [...nodes, replica]) yield* says(node, "CLUSTER INFO", "cluster_known_nodes:4")
    const id = String((yield* send(primary, "CLUSTER MYID"))[0])
    yield* send(replica, `CLUSTER REPLICATE ${id}`)
    yield* says(replica, "INFO replication", "master_link_status:up")
    for (const node of nodes) yield* says(node, "CLUSTER NODES", `slave ${id}`)
    return { primary, replica }
  })

/** Six processes that make one token request where each needs a token, once their clients are connected. */
const six = (store: Parameters<typeof instance>[0]) =>
  Effect.tap(Effect.all(Array.from({ length: 6 }, () => instance(store))), together)

/** Calls all the time while `failover` happens, and a while longer, and needs new tokens twice: what the API answered. */
const during = (instances: ReadonlyArray<Instance>, failover: Effect.Effect<unknown, never, Scope.Scope>) =>
  Effect.gen(function*() {
    const statuses = new Set<number>()
    const calling = yield* Effect.forkScoped(
      Effect.repeat(
        Effect.map(callsOf(instances), (calls) => calls.statuses.forEach((status) => statuses.add(status))),
        Schedule.spaced("100 millis")
      )
    )
    yield* failover
    yield* Effect.sleep("500 millis")
    yield* mock.use((_) => _.revokeTokens)
    yield* Effect.sleep("4 seconds")
    expect(Option.fromUndefinedOr(calling.pollUnsafe())).toEqual(Option.none())
    return [...statuses]
  }).pipe(Effect.scoped)

describe.skipIf(!RedisServer.canStart && process.env.CI === undefined)("a Redis that fails over", () => {
  it.live("a cluster of three: does all that is demanded of a store", () =>
    Effect.gen(function*() {
      yield* conforms(storeOnCluster(yield* cluster))
    }))

  it.live("a cluster of three: six processes share, lose no request when the primary of their token dies, and share again", () =>
    Effect.gen(function*() {
      const nodes = yield* cluster
      const instances = yield* six(storeOnCluster(nodes))
      const { primary, replica } = yield* withReplica(nodes)
      expect(yield* during(instances, primary.kill)).toEqual([200])
      yield* says(replica, "ROLE", "master")
      yield* together(instances)
    }).pipe(Effect.provide(spotnana)))

  it.live("three sentinels: six processes share, lose no request when the primary dies, and share again", () =>
    Effect.gen(function*() {
      const primary = yield* RedisServer.serve({ args: ["--repl-diskless-sync-delay", "0"] })
      const replica = yield* RedisServer.serve({ args: ["--replicaof", `127.0.0.1 ${primary.port}`] })
      yield* says(replica, "INFO replication", "master_link_status:up")
      const sentinel = [
        `sentinel monitor main 127.0.0.1 ${primary.port} 2`,
        "sentinel down-after-milliseconds main 1000",
        "sentinel failover-timeout main 3000"
      ].join("\n")
      const sentinels = yield* Effect.all(Array.from({ length: 3 }, () => RedisServer.serve({ sentinel })))
      for (const each of sentinels) {
        yield* says(each, "INFO sentinel", "slaves=1,sentinels=3")
      }
      const instances = yield* six(storeOnSentinels(sentinels))
      expect(yield* during(instances, primary.kill)).toEqual([200])
      yield* says(replica, "ROLE", "master")
      yield* together(instances)
    }).pipe(Effect.provide(spotnana)))
})
