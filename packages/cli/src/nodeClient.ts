import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import type { HttpClient } from "effect/http"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Outbound } from "./outbound.ts"
import { makeTunnelAgent } from "./tunnel.ts"

/** Connections that end with the scope: direct ones, or those through a proxy. */
export const makeAgent = (
  proxy: Outbound | undefined,
  options: NodeHttpClient.HttpAgentOptions
): Effect.Effect<NodeHttpClient.HttpAgent["Service"], never, Scope.Scope> =>
  Effect.gen(function*() {
    const direct = yield* NodeHttpClient.makeAgent(options)
    if (proxy === undefined) return direct
    const https = yield* Effect.acquireRelease(
      Effect.sync(() => makeTunnelAgent(proxy, options)),
      (agent) => Effect.sync(() => agent.destroy())
    )
    return { http: direct.http, https }
  })

/**
 * Node's own client, with a pool of connections that end with it: direct ones, or those through a proxy.
 *
 * Made for each use, because the platform's layer is a constant, and would be shared by clients with other options.
 */
export const layer = (
  proxy: Outbound | undefined,
  options: NodeHttpClient.HttpAgentOptions
): Layer.Layer<HttpClient.HttpClient> =>
  NodeHttpClient.layerNodeHttpNoAgent.pipe(
    Layer.provide(Layer.effect(NodeHttpClient.HttpAgent, makeAgent(proxy, options))),
    Layer.fresh
  )
