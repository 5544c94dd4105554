/** A client with such sockets on `node:http`, for Effect 4: that of docs/troubleshooting.md. */
import { NodeHttpClient } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import type { HttpClient } from "effect/http"
import { withSockets } from "./withSockets.ts"

// The options are those of the agents, such as `ca`.
export const layerUploadsNodeHttp = (options?: NodeHttpClient.HttpAgentOptions): Layer.Layer<HttpClient.HttpClient> =>
  Layer.provide(
    NodeHttpClient.layerNodeHttpNoAgent,
    Layer.effect(
      NodeHttpClient.HttpAgent,
      Effect.map(NodeHttpClient.makeAgent(options), ({ http, https }) => ({
        http: withSockets(http),
        https: withSockets(https)
      }))
    )
  )
