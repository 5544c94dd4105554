import { SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/effect3"
import { Fault, MockSpotnana } from "@effect-spotnana/effect3/testing"
import { HttpBody } from "@effect/platform"
import { DateTime, Effect, Fiber, Redacted, Stream, TestClock } from "effect"
import { clientSecret } from "./harness.ts"

const secret = Redacted.value(clientSecret)

const none = {
  value: Redacted.make("none"),
  issuedAt: DateTime.unsafeMake(0),
  expiresAt: DateTime.unsafeMake(1),
  scope: undefined
}

/** A secret that a server echoes in every shape, and what else may come with it. */
const echo = (secret: string) => ({
  error: "invalid_client",
  error_description: `bad secret ${secret} ${encodeURIComponent(secret)} ${Buffer.from(secret).toString("base64")}`
})

/** A life with everything in it that can go wrong: what came out, and every token that was issued. */
export const troubledLife = Effect.gen(function*() {
  const mock = yield* MockSpotnana.MockSpotnana
  const provider = yield* TokenProvider.TokenProvider
  const client = yield* SpotnanaHttpClient.SpotnanaHttpClient
  const outcomes: Array<unknown> = [provider, client, yield* Effect.context<never>()]
  const keep = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.gen(function*() {
      const fiber = yield* Effect.fork(Effect.exit(effect))
      yield* TestClock.adjust("1 minute")
      outcomes.push(yield* Fiber.join(fiber), yield* provider.status)
    })
  yield* Effect.fork(Stream.runForEach(provider.changes, (status) => Effect.sync(() => outcomes.push(status))))

  yield* keep(provider.get)
  yield* keep(client.get("/v2/companies"))
  yield* keep(client.post("/v2/echo", { body: HttpBody.text("hello") }))
  yield* TestClock.adjust("50 minutes")
  yield* mock.revokeTokens
  yield* keep(client.get("/v2/companies"))
  const token = Redacted.value((yield* provider.get).value)
  yield* mock.inject("api", Fault.status(401, { body: { message: `Access Token Invalid: ${token}` } }), { times: 2 })
  yield* keep(client.get("/v2/companies"))
  yield* keep(client.post("/v2/echo", { body: HttpBody.stream(Stream.make(new Uint8Array([1]))) }))
  yield* mock.inject("api", Fault.drop)
  yield* keep(client.get("/v2/companies"))
  for (
    const fault of [
      Fault.status(401, { body: echo(secret) }),
      Fault.status(403, { body: `<html>${secret}</html>` }),
      Fault.status(500, { body: { debugIdentifier: secret, errorMessages: [{ message: secret }] } }),
      Fault.status(200, { body: `{"access_token": "${token}", "oops": ${secret}` }),
      Fault.status(200, { body: { access_token: `${token}\n`, token_type: "Bearer" } }),
      Fault.status(307, { headers: { location: `https://evil.example/?client_secret=${secret}` } }),
      Fault.garbage,
      Fault.drop,
      Fault.hang
    ]
  ) {
    yield* provider.reject(yield* Effect.orElseSucceed(provider.get, () => none))
    yield* TestClock.adjust("10 minutes")
    yield* mock.inject("token", fault, { times: 20 })
    yield* TestClock.adjust("2 hours")
    yield* keep(client.get("/v2/companies"))
    yield* keep(provider.get)
    yield* mock.clearFaults
    yield* TestClock.adjust("10 minutes")
  }
  const tokens = (yield* mock.ledger).flatMap((entry) => entry.token === undefined ? [] : [Redacted.value(entry.token)])
  return { outcomes, tokens: [...new Set(tokens)] }
})
