import { MockSpotnana } from "@effect-spotnana/testing"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Redacted, Schedule, Scope } from "effect"
import { readFileSync } from "node:fs"
import { connect } from "../support/ioredis.ts"
import * as RedisServer from "../support/redis.ts"
import {
  callsOf,
  conforms,
  instance,
  send,
  spotnana,
  storeOnClient,
  together,
  tokenRequests
} from "./redisServers/subjects.ts"

const storeAt = ({ url }: RedisServer.Server) => storeOnClient(connect(url))

const connections = (server: RedisServer.Server) =>
  Effect.map(send(server, "CLIENT LIST"), ([list]) => String(list).trim().split("\n").length)

describe.skipIf(!RedisServer.canStart && process.env.CI === undefined)("a store on a client of ioredis", () => {
  it.live("does all that is demanded of a store", () =>
    Effect.gen(function*() {
      yield* conforms(storeAt(yield* RedisServer.serve()))
    }))

  it.live("shares a token, tells the others of the one that replaces it, and closes its connections", () =>
    Effect.gen(function*() {
      const server = yield* RedisServer.serve()
      const none = yield* connections(server)
      const scope = yield* Scope.make()
      const instances = yield* Effect.all([instance(storeAt(server)), instance(storeAt(server))]).pipe(
        Scope.provide(scope)
      )
      expect(yield* callsOf(instances)).toEqual({ statuses: [200, 200], tokenRequests: 1 })
      expect(yield* connections(server)).toBe(none + 4)

      const [one, two] = instances
      yield* MockSpotnana.MockSpotnana.use((_) => _.revokeTokens)
      expect((yield* one!.client.get("/v2/companies")).status).toBe(200)
      const replaced = Redacted.value((yield* one!.provider.get).value)
      // It makes no call meanwhile: it is told.
      yield* Effect.repeat(two!.provider.get, {
        until: ({ value }) => Redacted.value(value) === replaced,
        schedule: Schedule.spaced("20 millis")
      }).pipe(Effect.timeout("20 seconds"))
      expect(yield* tokenRequests).toBe(2)

      yield* Scope.close(scope, Exit.void)
      yield* Effect.repeat(connections(server), { until: (count) => count === none })
    }).pipe(Effect.provide(spotnana)))

  it.live("loses no request while the server is lost, at the start too, and shares again once it is back", () =>
    Effect.gen(function*() {
      const server = yield* RedisServer.serve()
      const early = yield* instance(storeAt(server))
      yield* callsOf([early])
      yield* server.kill
      const instances = [early, yield* instance(storeAt(server))]
      expect((yield* callsOf(instances)).statuses).toEqual([200, 200])
      yield* server.start
      yield* together(instances)
    }).pipe(Effect.provide(spotnana)))
})

it("docs/sharing-tokens.md has the client of ioredis that is run here", () => {
  const [, code = ""] = readFileSync("packages/core/test/support/ioredis.ts", "utf8").split(/\*\/\n/)
  expect(readFileSync("docs/sharing-tokens.md", "utf8")).toContain(code)
})
