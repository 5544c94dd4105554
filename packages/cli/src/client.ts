import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import { FetchHttpClient } from "effect/http"
import type { HttpClient } from "effect/http"
import * as Layer from "effect/Layer"
import type { Failure } from "./exitCode.ts"
import { outboundFor, proxyVariable } from "./outbound.ts"

/** Loaded only if it is needed: without a proxy, `fetch` is used. */
const load = Effect.promise(() => import("./nodeClient.ts"))

/**
 * A client for the API at an address, through the proxy that the environment names for it.
 *
 * If a proxy is named, but not for this address, `fetch` is not used either: with `NODE_USE_ENV_PROXY` it has its own
 * rules.
 */
export const layer = (address: string): Layer.Layer<HttpClient.HttpClient, Config.ConfigError | Failure> =>
  Layer.unwrap(
    Effect.gen(function*() {
      if ((yield* proxyVariable) === undefined) return FetchHttpClient.layer
      const proxy = yield* outboundFor(address)
      return (yield* load).layer(proxy, { keepAlive: true })
    })
  )
