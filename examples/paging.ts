// All companies, page after page, as a `Stream`: a page is asked for when somebody wants what is on it. Prints the
// names, or as many of them as you say.
//
//   SPOTNANA_CLIENT_ID=… SPOTNANA_CLIENT_SECRET=… npx pnpm@10 exec node examples/paging.ts 10
//
// It prints
//
//   Company 1
//   Company 2
//   …
import { SpotnanaApiError, SpotnanaHttpClient } from "@effect-spotnana/core"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer, Option, Schema, Stream } from "effect"
import { FetchHttpClient, HttpClientResponse } from "effect/http"

const Company = Schema.Struct({ id: Schema.String, name: Schema.optional(Schema.String) })

// No field of a page is promised.
const Page = Schema.Struct({
  elements: Schema.Array(Company).pipe(Schema.withDecodingDefaultKey(Effect.succeed([]))),
  totalNumResults: Schema.optional(Schema.Int)
})

// Spotnana's maximum.
const limit = 100

const page = (offset: number) =>
  SpotnanaHttpClient.SpotnanaHttpClient.use((spotnana) =>
    SpotnanaApiError.filterStatusOk(spotnana).get("/v2/companies", { urlParams: { offset, limit } })
  ).pipe(Effect.flatMap(HttpClientResponse.schemaBodyJson(Page)))

const companies = Stream.paginate(
  0,
  (offset) =>
    Effect.map(page(offset), ({ elements, totalNumResults = Infinity }) => {
      const next = offset + elements.length
      // An empty page is the last one, whatever the total says; a short one need not be.
      const isLast = elements.length === 0 || next >= totalNumResults
      return [elements, isLast ? Option.none() : Option.some(next)]
    })
)

const program = companies.pipe(
  Stream.take(Number(process.argv[2] ?? Infinity)),
  Stream.runForEach(({ id, name }) => Console.log(name ?? id))
)

program.pipe(
  Effect.provide(SpotnanaHttpClient.layerConfig().pipe(Layer.provide(FetchHttpClient.layer))),
  NodeRuntime.runMain
)
