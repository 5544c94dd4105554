// Spotnana for code that is not written with Effect: a class with async methods. Prints three pages of companies.
//
//   SPOTNANA_CLIENT_ID=… SPOTNANA_CLIENT_SECRET=… npx pnpm@10 exec node examples/without-effect.ts
//
// It prints
//
//   Company 1, Company 2
//   Company 3, Company 4
//   Company 5, Company 6
import { AuthError, SpotnanaHttpClient } from "@effect-spotnana/core"
import { Effect, Layer, ManagedRuntime, Schema } from "effect"
import { FetchHttpClient, HttpClient, HttpClientResponse } from "effect/http"

const Page = Schema.Struct({
  elements: Schema.optional(Schema.Array(Schema.Struct({ id: Schema.String, name: Schema.optional(Schema.String) }))),
  totalNumResults: Schema.optional(Schema.Int)
})

/** Make one, keep it as long as you make calls, and `close` it: its token is renewed in the background until then. */
class Spotnana {
  readonly #runtime = ManagedRuntime.make(
    SpotnanaHttpClient.layerConfig().pipe(Layer.provide(FetchHttpClient.layer))
  )

  companies(page: { readonly offset: number; readonly limit: number }): Promise<typeof Page.Type> {
    return this.#runtime.runPromise(
      SpotnanaHttpClient.SpotnanaHttpClient.use((spotnana) =>
        HttpClient.filterStatusOk(spotnana).get("/v2/companies", { urlParams: page }).pipe(
          Effect.flatMap(HttpClientResponse.schemaBodyJson(Page))
        )
      )
    )
  }

  close(): Promise<void> {
    return this.#runtime.dispose()
  }
}

// From here on there is no Effect.
const spotnana = new Spotnana()
try {
  const pages = await Promise.all([0, 2, 4].map((offset) => spotnana.companies({ offset, limit: 2 })))
  for (const { elements = [] } of pages) console.log(elements.map(({ id, name }) => name ?? id).join(", "))
} catch (error) {
  // The promise is rejected with the typed error itself.
  console.error(AuthError.isAuthError(error) ? `${error._tag}: ${error.message}` : String(error))
  process.exitCode = 1
} finally {
  // Without this the background renewal would go on, and the process with it.
  await spotnana.close()
}
