import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import type { HttpClient } from "effect/http"
import * as Layer from "effect/Layer"
import type { Outbound } from "./outbound.ts"
import { makeTunnelAgent } from "./tunnel.ts"

const Through = (
  proxy: Outbound,
  options: NodeHttpClient.HttpAgentOptions
): Layer.Layer<NodeHttpClient.HttpAgent> =>
  Layer.effect(
    NodeHttpClient.HttpAgent,
    Effect.zipWith(
      NodeHttpClient.makeAgent(options),
      Effect.acquireRelease(
        Effect.sync(() => makeTunnelAgent(proxy, options)),
        (agent) => Effect.sync(() => agent.destroy())
      ),
      ({ http }, https) => ({ http, https })
    )
  )

/**
 * Node's own client, with a pool of connections that end with it: direct ones, or those through a proxy.
 *
 * Made anew each time: the platform's layer is a constant, and would be shared by all that have other options.
 */
export const layer = (
  proxy: Outbound | undefined,
  options: NodeHttpClient.HttpAgentOptions
): Layer.Layer<HttpClient.HttpClient> =>
  NodeHttpClient.layerNodeHttpNoAgent.pipe(
    Layer.provide(proxy === undefined ? NodeHttpClient.layerAgentOptions(options) : Through(proxy, options)),
    Layer.fresh
  )
