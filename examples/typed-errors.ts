// The four errors of the library, each handled by its tag, and each made to happen:
//
//   npx pnpm@10 exec node examples/typed-errors.ts
//
// No variable is needed: a Spotnana in the same process goes wrong on demand.
//
// It prints
//
//   All is well
//     answered 200
//   InvalidCredentials: the secret was rotated, and we were not told
//     wake somebody up: https://api.spotnana.com/v2/auth/oauth2-token answered 401 to client example (…
//   TokenExpired: a token is revoked while an upload is under way
//     NotReplayable: POST /v2/echo answered 401 (…
//   TokenEndpointUnavailable: too many token requests
//     RateLimited, come back in 30 s
//   …
import { SpotnanaHttpClient } from "@effect-spotnana/core"
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Duration, Effect, Layer, Redacted, References, Stream } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"

// What your code would have: a request, and a way out for each way to fail. `HttpClientError` is the platform's own
// (the API cannot be reached, the answer is no JSON); the other four are about authentication.
const handled = (request: HttpClientRequest.HttpClientRequest) =>
  Effect.gen(function*() {
    const spotnana = HttpClient.filterStatusOk(yield* SpotnanaHttpClient.SpotnanaHttpClient)
    const response = yield* spotnana.execute(request)
    return `answered ${response.status}`
  }).pipe(
    Effect.catchTags({
      // A person has to correct them. The library tries them again now and then, and others at once.
      InvalidCredentials: (error) => Effect.succeed(`wake somebody up: ${error.message}`),
      // The API accepts none of our tokens, or the request must not be sent twice.
      TokenExpired: (error) => Effect.succeed(`${error.reason}: ${error.message}`),
      // Transient. `retryAfter` is when the library itself tries again.
      TokenEndpointUnavailable: (error) =>
        Effect.succeed(
          `${error.reason}, come back in ${Math.ceil(Duration.toSeconds(error.retryAfter ?? Duration.zero))} s`
        ),
      // Most often the address is wrong, or a proxy answers in Spotnana's place.
      MalformedTokenResponse: (error) => Effect.succeed(`look at the address: ${error.message}`),
      HttpClientError: (error) => Effect.succeed(`not about authentication: ${error.message}`)
    })
  )

const companies = HttpClientRequest.get("/v2/companies")

// A body that can be read once only, such as a file on its way through.
const upload = HttpClientRequest.post("/v2/echo").pipe(
  HttpClientRequest.bodyStream(Stream.make(new TextEncoder().encode("once")))
)

const clientId = "example"
const clientSecret = Redacted.make("example-secret")

const SpotnanaInProcess = SpotnanaHttpClient.layer({ clientId, clientSecret }).pipe(
  Layer.provideMerge(MockSpotnana.layerHttpClient),
  Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret }))
)

// A fresh mock and a fresh client, and something that goes wrong with them.
const scenario = (
  title: string,
  request: HttpClientRequest.HttpClientRequest,
  trouble: (mock: MockSpotnana.MockSpotnana["Service"]) => Effect.Effect<unknown>
) =>
  Effect.gen(function*() {
    yield* trouble(yield* MockSpotnana.MockSpotnana)
    yield* Console.log(`${title}\n  ${yield* handled(request)}`)
  }).pipe(Effect.provide(SpotnanaInProcess))

const program = Effect.gen(function*() {
  yield* scenario("All is well", companies, () => Effect.void)

  yield* scenario(
    "InvalidCredentials: the secret was rotated, and we were not told",
    companies,
    (mock) => mock.rotateSecret()
  )

  yield* scenario(
    "TokenExpired: a token is revoked while an upload is under way",
    upload,
    (mock) => mock.inject("api", Fault.status(401))
  )

  yield* scenario(
    "TokenExpired: the API refuses even a token that was just issued",
    companies,
    (mock) => mock.inject("api", Fault.status(401), { times: 2 })
  )

  yield* scenario(
    "TokenEndpointUnavailable: too many token requests",
    companies,
    (mock) => mock.inject("token", Fault.rateLimited({ retryAfter: Duration.seconds(30) }))
  )

  yield* scenario(
    "MalformedTokenResponse: a proxy answers with a page",
    companies,
    (mock) => mock.inject("token", Fault.status(200, { body: "<html>Welcome</html>" }), { times: Infinity })
  )

  yield* scenario("Not an error of ours: the API is down", companies, (mock) => mock.inject("api", Fault.status(503)))
})

program.pipe(
  // The errors are printed above; the library's log of them would say it twice.
  Effect.provideService(References.MinimumLogLevel, "None"),
  NodeRuntime.runMain
)
