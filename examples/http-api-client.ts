// A client that is described with `HttpApi` and called through `HttpApiClient`: paths, queries and answers have types,
// and each call carries a token.
//
//   SPOTNANA_CLIENT_ID=… SPOTNANA_CLIENT_SECRET=… npx pnpm@10 exec node examples/http-api-client.ts
//
// It prints
//
//   Company 1, Company 2 of 120
//   GET /v2/users/00000000-0000-4000-9000-00000000dead answered 404 (USER_NOT_FOUND: No such user). …
//   GET /v2/companies answered 400 (INVALID_ARGUMENT: offset is a whole number from 0, limit one from 0 to 100). …
import { AuthError, SpotnanaApiError, SpotnanaHttpClient } from "@effect-spotnana/core"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer, Option, Schema } from "effect"
import { FetchHttpClient } from "effect/http"
import { HttpApi, HttpApiClient, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"

// The description. It says nothing of tokens, nor of errors: both are the same for all of Spotnana.

const Company = Schema.Struct({ id: Schema.String, name: Schema.optional(Schema.String) })

const Page = Schema.Struct({
  elements: Schema.optional(Schema.Array(Company)),
  totalNumResults: Schema.optional(Schema.Int)
})

const Api = HttpApi.make("Spotnana").add(
  HttpApiGroup.make("companies").add(
    HttpApiEndpoint.get("list", "/v2/companies", {
      query: { offset: Schema.optional(Schema.Int), limit: Schema.optional(Schema.Int) },
      success: Page
    })
  ),
  HttpApiGroup.make("users").add(
    HttpApiEndpoint.get("get", "/v2/users/:userId", {
      params: { userId: Schema.String },
      success: Schema.Struct({ id: Schema.String })
    })
  )
)

// A client of your own is made on the authenticated one. What can go wrong is in its type, flat: the four errors of
// authentication, and Spotnana's error body as `SpotnanaApiError`.
const ours = Effect.gen(function*() {
  const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
  const client = yield* HttpApiClient.makeWith(Api, { httpClient: SpotnanaApiError.filterStatusOk(spotnana) })

  const { elements = [], totalNumResults } = yield* client.companies.list({ query: { limit: 2 } })
  yield* Console.log(`${elements.map(({ id, name }) => name ?? id).join(", ")} of ${totalNumResults}`)

  yield* client.users.get({ params: { userId: "00000000-0000-4000-9000-00000000dead" } })
})

// A client that somebody else made asks for the plain `HttpClient`, which has one error for everything. Out of that one
// come ours again, whole.
const theirs = Effect.gen(function*() {
  const client = yield* HttpApiClient.make(Api)

  yield* client.companies.list({ query: { limit: 1_000 } })
}).pipe(
  Effect.catchTag(
    "HttpClientError",
    Effect.fnUntraced(function*(error) {
      const authError = AuthError.fromHttpClientError(error)
      if (Option.isSome(authError)) return yield* authError.value
      return yield* error.response === undefined ? error : yield* SpotnanaApiError.fromResponse(error.response)
    })
  ),
  Effect.provide(SpotnanaHttpClient.layerHttpClient)
)

// One and the same for both.
const explained = Effect.catchTags({
  InvalidCredentials: (error: AuthError.InvalidCredentials) => Console.log(`Wake somebody up. ${error.message}`),
  SpotnanaApiError: (error: SpotnanaApiError.SpotnanaApiError) =>
    Console.log(`${error.message} Spotnana's support will ask for ${error.debugIdentifier}.`)
})

Effect.andThen(explained(ours), explained(theirs)).pipe(
  Effect.provide(SpotnanaHttpClient.layerConfig().pipe(Layer.provide(FetchHttpClient.layer))),
  NodeRuntime.runMain
)
