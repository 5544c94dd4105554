// The client on a Spotnana that is played by a mock, behind a socket of this machine. There is always something to see:
// tokens live for two minutes, and every minute something goes wrong.
import { Environment, SpotnanaHttpClient } from "@effect-spotnana/core"
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { FetchHttpClient, HttpServer } from "effect/http"
import { createServer } from "node:http"

const Spotnana = MockSpotnana.layerServer.pipe(
  Layer.provideMerge(MockSpotnana.layer({ tokenLifetime: "2 minutes", tokenLatency: "200 millis" })),
  Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
)

const troubles = Effect.gen(function*() {
  const mock = yield* MockSpotnana.MockSpotnana
  const happens = [
    ["the token is revoked", mock.revokeTokens],
    ["the token endpoint is down", mock.inject("token", Fault.status(503), { times: 3 })],
    ["the token endpoint answers garbage", mock.inject("token", Fault.garbage)],
    ["the token endpoint is busy", mock.inject("token", Fault.rateLimited({ retryAfter: "10" }))],
    ["the API does not accept its own token", mock.inject("api", Fault.status(401), { times: 2 })]
  ] as const
  for (const [what, trouble] of happens) {
    yield* Effect.sleep("1 minute")
    yield* Effect.logInfo(`now ${what}`)
    yield* trouble
  }
})

export const local: Layer.Layer<
  Layer.Success<ReturnType<typeof SpotnanaHttpClient.layer>>,
  Layer.Error<typeof Spotnana>
> = Layer.unwrap(
  Effect.gen(function*() {
    yield* Effect.forkScoped(Effect.forever(troubles))
    const { clientId, clientSecret } = yield* Effect.flatMap(MockSpotnana.MockSpotnana, (mock) => mock.credentials)
    const baseUrl = yield* HttpServer.addressFormattedWith(Effect.succeed)
    yield* Effect.logInfo(`a mock plays Spotnana at ${baseUrl}`)
    return SpotnanaHttpClient.layer({
      clientId,
      clientSecret,
      environment: Environment.makeUnsafe({ baseUrl, name: "mock" })
    })
  })
).pipe(Layer.provide(Spotnana), Layer.provide(FetchHttpClient.layer))
