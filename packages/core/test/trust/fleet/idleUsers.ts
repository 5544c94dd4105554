// What users cost who do nothing, each with a client of their own in one process: `pnpm idle:users --users 10000`.
import { Credentials, TokenExchange } from "@effect-spotnana/core"
import { Console, Effect, Layer, LayerMap, Redacted } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { parseArgs } from "node:util"
import * as V8 from "node:v8"
import * as Vm from "node:vm"

const { values } = parseArgs({ options: { users: { type: "string", default: "10000" } } })
const all = Array.from({ length: Number(values.users) }, (_, n) => `user-${n}`)
// A simulated clock takes milliseconds of real time for each sleep that ends, and of token requests all users have the same.
const few = all.slice(0, 100)

V8.setFlagsFromString("--expose-gc")
const collect = Vm.runInNewContext("gc") as () => void

/** Bytes of the heap that are in use. */
const heap = Effect.promise(async () => {
  // What was released last is collected in the rounds after it.
  for (let round = 0; round < 5; round++) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    collect()
  }
  return process.memoryUsage().heapUsed
})

/** As long as a JWT with a few claims. */
const length = 1_000

/** A Spotnana that keeps nothing, and counts the token requests. */
const makeSpotnana = () => {
  let tokenRequests = 0
  const token = (kind: string) => `${kind}-${tokenRequests}-`.padEnd(length, "x")
  const client = HttpClient.make((request) =>
    Effect.sync(() => {
      if (!request.url.endsWith("/oauth2-token")) return HttpClientResponse.fromWeb(request, new Response("{}"))
      tokenRequests++
      return HttpClientResponse.fromWeb(
        request,
        Response.json({
          access_token: token("access"),
          refresh_token: token("refresh"),
          token_type: "Bearer",
          expires_in: 3600
        })
      )
    })
  )
  return { layer: Layer.succeed(HttpClient.HttpClient, client), tokenRequests: Effect.sync(() => tokenRequests) }
}

type Mode = "background" | "onDemand"

/** Each of the users calls once, and then idles. Says how much memory that takes, and how many token requests. */
const callOnce = (mode: Mode, users: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const { layer, tokenRequests } = makeSpotnana()
    const clients = yield* LayerMap.make((user: string) =>
      TokenExchange.layer({
        user,
        subjectToken: Effect.sync(() => Redacted.make(`subject-of-${user}-`.padEnd(length, "x"))),
        refresh: { mode }
      }), { idleTimeToLive: "2 hours" }).pipe(
        Effect.provide([layer, Credentials.layer({ clientId: "client", clientSecret: Redacted.make("s3cr3t") })])
      )
    const call = (user: string) =>
      TokenExchange.UserHttpClient.use((client) => client.get("/v2/trips")).pipe(
        Effect.provide(clients.get(user)),
        Effect.scoped
      )
    // What is loaded and compiled at the first use is not what a user costs.
    yield* Effect.forEach(["first", "second"], call)
    const [bytes, requests] = [yield* heap, yield* tokenRequests]
    yield* Effect.forEach(users, call, { concurrency: 50, discard: true })
    return { bytes: (yield* heap) - bytes, requests: (yield* tokenRequests) - requests, tokenRequests }
  })

/** Memory on the clock of the machine: a simulated one keeps more of each sleep. */
const memory = (mode: Mode) => Effect.scoped(Effect.map(callOnce(mode, all), ({ bytes }) => bytes / all.length))

/** Token requests at the first call, and in the two hours after it; `LayerMap` releases the clients at their end. */
const requests = (mode: Mode) =>
  Effect.gen(function*() {
    const { requests, tokenRequests } = yield* callOnce(mode, few)
    const before = yield* tokenRequests
    yield* Effect.forEach(Array.from({ length: 24 }), () => TestClock.adjust("5 minutes"))
    const after = yield* tokenRequests
    yield* TestClock.adjust("1 day")
    return [requests, after - before, (yield* tokenRequests) - after].map((count) => (count / few.length).toFixed(2))
  }).pipe(Effect.scoped, Effect.provide(TestClock.layer()))

const tell = (mode: Mode) =>
  Effect.gen(function*() {
    const bytes = yield* memory(mode)
    const [first, idle, released] = yield* requests(mode)
    yield* Console.log(
      `${all.length} idle users, ${mode}: ${(bytes / 1_000).toFixed(1)} kB of heap each. Token requests of each: ` +
        `${first} at the first call, ${idle} in the 2 hours until its client is released, ${released} in the day after`
    )
  })

await Effect.runPromise(Effect.andThen(tell("background"), tell("onDemand")))
