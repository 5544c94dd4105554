/** A client with such sockets, for Effect 4: that of docs/troubleshooting.md. */
import { NodeHttpClient } from "@effect/platform-node"
import { buildConnector } from "@effect/platform-node/Undici"
import type { Layer } from "effect"
import type { HttpClient } from "effect/http"
import { readOn } from "./readOn.ts"

// The options are those of the connections, such as `ca`. HTTP/2 is off: it does not write to sockets in this way.
export const layerUploads = (options: buildConnector.BuildOptions = {}): Layer.Layer<HttpClient.HttpClient> => {
  const connect = buildConnector({ allowH2: false, ...options })
  return NodeHttpClient.layerUndiciOptions({
    connect: (options, done) =>
      connect(options, (...result) => {
        if (result[1]) readOn(result[1])
        done(...result)
      })
  })
}
