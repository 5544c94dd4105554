// In a file of its own, because no other test may call `fetch` at the same time.
import { TokenEndpoint } from "@effect-spotnana/effect3"
import { HttpClient, HttpClientResponse } from "@effect/platform"
import { assert, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"

it.scoped("a client that is not fetch's does not make Node load fetch", () =>
  Effect.gen(function*() {
    const { Request } = globalThis
    let isLooked = false
    Object.defineProperty(globalThis, "Request", {
      configurable: true,
      get: () => {
        isLooked = true
        return Request
      }
    })
    yield* Effect.addFinalizer(() =>
      Effect.sync(() =>
        Object.defineProperty(globalThis, "Request", { configurable: true, writable: true, value: Request })
      )
    )
    const client = HttpClient.make((request) =>
      Effect.succeed(HttpClientResponse.fromWeb(request, new Response(null, { status: 503 })))
    )
    const endpoint = yield* Effect.provideService(TokenEndpoint.make(), HttpClient.HttpClient, client)
    const error = yield* Effect.flip(endpoint.acquire({ clientId: "client", clientSecret: Redacted.make("secret") }))
    assert.strictEqual(error._tag, "TokenEndpointUnavailable")
    assert.isFalse(isLooked)
  }))
