// What one run of a request must not take from another run, from an earlier moment, or from the end of the layer.
import { Environment, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/effect3"
import { HttpClient, HttpClientResponse } from "@effect/platform"
import { expect, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Redacted, Schedule, Scope, TestClock } from "effect"

const lifetime = 300

/** A network whose token endpoint issues `token-1`, `token-2` and so on, and whose API answers as it is told. */
const makeNetwork = (answer: (call: number) => Effect.Effect<number>) => {
  let issued = 0
  const sent: Array<string> = []
  const client = HttpClient.make((request) => {
    if (request.url.endsWith("/oauth2-token")) {
      const token = { access_token: `token-${++issued}`, token_type: "Bearer", expires_in: lifetime }
      return Effect.succeed(HttpClientResponse.fromWeb(request, Response.json(token)))
    }
    sent.push(request.headers.authorization ?? "none")
    return Effect.map(
      answer(sent.length),
      (status) => HttpClientResponse.fromWeb(request, new Response(null, { status }))
    )
  })
  const layer = SpotnanaHttpClient.layer({
    clientId: "client",
    clientSecret: Redacted.make("client-secret"),
    environment: Environment.sandbox,
    refresh: { jitter: 0 }
  }).pipe(Layer.provide(Layer.succeed(HttpClient.HttpClient, client)))
  return { client, layer, sent, issued: () => issued }
}

const spotnana = SpotnanaHttpClient.SpotnanaHttpClient

it.effect("one effect that runs twice at once judges each 401 by its own run", () => {
  // The first run is rejected after ten seconds. Meanwhile another request is accepted, and the second run begins.
  const answers: ReadonlyArray<Effect.Effect<number>> = [
    Effect.delay(Effect.succeed(401), "10 seconds"),
    Effect.succeed(200),
    Effect.delay(Effect.succeed(200), "20 seconds")
  ]
  const network = makeNetwork((call) => answers[call - 1] ?? Effect.succeed(200))
  return Effect.gen(function*() {
    const client = yield* spotnana
    const ping = client.get("/v2/ping")
    const first = yield* Effect.fork(ping)
    yield* TestClock.adjust("1 second")
    yield* client.get("/v2/companies")
    const second = yield* Effect.fork(ping)
    yield* TestClock.adjust("30 seconds")
    expect([(yield* Fiber.join(first)).status, (yield* Fiber.join(second)).status]).toEqual([200, 200])
    // The token was accepted after the rejected request was sent. So it is good, and stays.
    expect(network.issued()).toBe(1)
  }).pipe(Effect.provide(network.layer))
})

it.effect("a replay that the client sends again carries the token of that moment", () => {
  const network = makeNetwork((call) => Effect.succeed(call === 1 ? 401 : call < 8 ? 503 : 200))
  return Effect.gen(function*() {
    const provider = yield* TokenProvider.TokenProvider
    const client = network.client.pipe(
      HttpClient.retryTransient({ schedule: Schedule.spaced("100 seconds"), times: 10 }),
      SpotnanaHttpClient.authenticate(provider)
    )
    const call = yield* Effect.fork(client.get("/v2/companies"))
    yield* TestClock.adjust("15 minutes")
    expect((yield* Fiber.join(call)).status).toBe(200)
    // Renewed after 240 seconds each.
    const tokens = network.sent.map((bearer) => bearer.slice("Bearer token-".length))
    expect(tokens.join(" ")).toBe("1 2 2 2 3 3 4 4")
  }).pipe(Effect.provide(network.layer))
})

it.effect("a replay that succeeds while the layer closes is not lost", () => {
  const network = makeNetwork((call) =>
    call === 1 ? Effect.succeed(401) : Effect.delay(Effect.succeed(201), "10 seconds")
  )
  return Effect.gen(function*() {
    const scope = yield* Scope.make()
    const client = Context.get(yield* Layer.buildWithScope(network.layer, scope), spotnana)
    const booking = yield* Effect.fork(client.post("/v2/bookings"))
    yield* TestClock.adjust("5 seconds")
    yield* Scope.close(scope, Exit.void)
    yield* TestClock.adjust("10 seconds")
    expect((yield* Fiber.join(booking)).status).toBe(201)
  })
})
