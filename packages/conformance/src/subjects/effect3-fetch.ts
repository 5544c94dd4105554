import { serveEffect3 } from "../support/effect3.ts"

await serveEffect3("fetch")
