import { FetchHttpClient } from "effect/http"
import { serveCore } from "../support/core.ts"

serveCore(FetchHttpClient.layer)
