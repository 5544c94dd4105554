import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { serveCore } from "../support/core.ts"

serveCore(NodeHttpClient.layerUndici)
