// A function that is frozen between its invocations, for a second or for a day, and must be right when it goes on. To
// try it, an event a line is read from standard input, and Ctrl-Z freezes it:
//
//   echo '{"limit":2}' | SPOTNANA_CLIENT_ID=… SPOTNANA_CLIENT_SECRET=… npx pnpm@10 exec node examples/serverless.ts
//
// It prints
//
//   ["Company 1","Company 2"]
import { SpotnanaApiError, SpotnanaHttpClient } from "@effect-spotnana/core"
import { Effect, Layer, ManagedRuntime, Schedule, Schema } from "effect"
import { FetchHttpClient, HttpClient, HttpClientResponse } from "effect/http"
import { createInterface } from "node:readline"

interface Event {
  readonly limit: number
}

const Page = Schema.Struct({
  elements: Schema.optional(Schema.Array(Schema.Struct({ id: Schema.String, name: Schema.optional(Schema.String) })))
})

// No fiber renews ahead of time: it would be frozen, too. Whether the token is still alive is looked up on the clock, at
// each call.
export const Auth = SpotnanaHttpClient.layerConfig({ refresh: { mode: "onDemand" } })

export const companies = ({ limit }: Event) =>
  Effect.gen(function*() {
    const spotnana = (yield* SpotnanaHttpClient.SpotnanaHttpClient).pipe(
      // A connection that was kept for the next invocation may have been closed meanwhile.
      HttpClient.retryTransient({ times: 2, schedule: Schedule.jittered(Schedule.exponential("200 millis")) }),
      SpotnanaApiError.filterStatusOk
    )
    const response = yield* spotnana.get("/v2/companies", { urlParams: { limit } })
    const { elements = [] } = yield* HttpClientResponse.schemaBodyJson(Page)(response)
    return elements.map(({ id, name }) => name ?? id)
  })

// Made once, outside of the handler: a warm invocation finds its token here. It is not disposed of: the platform ends
// the process as it likes, and nothing is left behind but memory.
const runtime = ManagedRuntime.make(Auth.pipe(Layer.provide(FetchHttpClient.layer)))

export const handler = (event: Event): Promise<ReadonlyArray<string>> => runtime.runPromise(companies(event))

// What the platform would do.
if (import.meta.main) {
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await handler(JSON.parse(line))))
  }
}
