import { Environment, SpotnanaHttpClient } from "@effect-spotnana/core"
import { MockSpotnana } from "@effect-spotnana/testing"
import { NodeHttpClient, NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer, References } from "effect"
import { FetchHttpClient, HttpServer } from "effect/http"
import { createServer } from "node:http"
import { clientId, clientSecret } from "./harness.ts"

/** The clients of the platform that the claims about the wire are tested with. */
export const platformClients = [
  ["FetchHttpClient", FetchHttpClient.layer],
  ["NodeHttpClient (undici)", NodeHttpClient.layerUndici]
] as const

/** A mock behind a real socket, at a port of its own. */
export const onSocket = (options?: MockSpotnana.Options) =>
  MockSpotnana.layerServer.pipe(
    Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret, ...options })),
    Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })),
    // What these tests cause on purpose is logged as it should be, and of no interest here.
    Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "None"))
  )

/** The environment of the mock behind the socket. */
export const socketEnvironment = HttpServer.addressFormattedWith((baseUrl) =>
  Effect.succeed(Environment.makeUnsafe({ baseUrl }))
)

/** The library as a client of the mock behind the socket. */
export const authenticated = (options?: SpotnanaHttpClient.Options<false>) =>
  Layer.unwrap(
    Effect.map(socketEnvironment, (environment) =>
      SpotnanaHttpClient.layer({ clientId, clientSecret, environment, ...options }))
  )
