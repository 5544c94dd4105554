// Dies of what the library fails with, in the way that is named, and prints what Node and Effect print then.
import { ApiUserRotation, SpotnanaApiError, SpotnanaHttpClient, TokenEndpoint } from "@effect-spotnana/core"
import { Credentials } from "@effect-spotnana/core"
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { NodeRuntime } from "@effect/platform-node"
import { Cause, Effect, Exit, Layer, Redacted, Stream } from "effect"
import { HttpBody, HttpClient } from "effect/http"
import { inspect } from "node:util"
import { clientId, clientSecret } from "../../support/harness.ts"

const secret = Redacted.value(clientSecret)

/** Everything that is around where it goes wrong. */
const world = SpotnanaHttpClient.layerCredentials({ refresh: { attempts: 1 } }).pipe(
  Layer.provideMerge(TokenEndpoint.layer()),
  Layer.provideMerge(Credentials.layer({ clientId, clientSecret })),
  Layer.provideMerge(MockSpotnana.layerHttpClient),
  Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret }))
)

const spotnana = SpotnanaHttpClient.SpotnanaHttpClient
const call = spotnana.use((client) => client.get("/v2/companies"))
const inject = (...fault: Parameters<MockSpotnana.MockSpotnana["Service"]["inject"]>) =>
  MockSpotnana.MockSpotnana.use((mock) => mock.inject(...fault))
const echo = { error: "invalid_client", error_description: `not ${secret}`, debugIdentifier: secret }

/** The ways to fail: each error of the library, and errors and defects of others with the request in their hands. */
const failures = {
  InvalidCredentials: Effect.andThen(inject("token", Fault.status(401, { body: echo })), call),
  TokenEndpointUnavailable: Effect.andThen(inject("token", Fault.status(503, { body: echo })), call),
  MalformedTokenResponse: Effect.andThen(inject("token", Fault.status(200, { body: `{"${secret}` })), call),
  TokenExpired: Effect.andThen(inject("api", Fault.status(401), { times: 2 }), call),
  NotReplayable: Effect.andThen(
    inject("api", Fault.status(401)),
    spotnana.use((client) => client.post("/v2/echo", { body: HttpBody.stream(Stream.make(new Uint8Array(1))) }))
  ),
  SpotnanaApiError: Effect.andThen(
    inject("api", Fault.status(500)),
    spotnana.use((client) => SpotnanaApiError.filterStatusOk(client).get("/v2/companies"))
  ),
  StatusCodeError: Effect.andThen(
    inject("api", Fault.status(500)),
    spotnana.use((client) => HttpClient.filterStatusOk(client).get("/v2/companies"))
  ),
  NotModified: Effect.andThen(
    inject("api", Fault.status(304)),
    spotnana.use((client) => HttpClient.filterStatusOk(client).get("/v2/companies"))
  ),
  Redirect: Effect.andThen(
    inject("api", Fault.status(302, { headers: { location: "/v2/elsewhere" } })),
    spotnana.use((client) => HttpClient.filterStatusOk(client).get("/v2/companies"))
  ),
  TransportError: Effect.andThen(inject("api", Fault.drop), call),
  DecodeError: Effect.andThen(inject("api", Fault.garbage), Effect.flatMap(call, (response) => response.json)),
  ApiUserRotationFailed: ApiUserRotation.rotate({ stepTimeout: 0, switchTo: () => Effect.fail("full") }),
  Response: Effect.flatMap(call, (response) => Effect.die(response)),
  Request: Effect.flatMap(call, (response) => Effect.die(response.request)),
  Client: spotnana.use((client) => Effect.die(client))
} satisfies Record<string, Effect.Effect<unknown, unknown, Layer.Success<typeof world>>>

/** The ways to die of it. */
const deaths: Readonly<Record<string, (program: Effect.Effect<unknown, unknown>, failure: string) => void>> = {
  // Node prints the rejection that nobody handles.
  runPromise: (program) => void Effect.runPromise(program),
  // Effect's own runtime prints the cause.
  runMain: (program) => NodeRuntime.runMain(program),
  // Node prints an exception that nobody catches.
  throw: (program) =>
    Effect.runCallback(program, {
      onExit: (exit) => {
        if (Exit.isFailure(exit)) throw Cause.squash(exit.cause)
      }
    }),
  // Somebody prints all there is. The process goes on, with the next failure.
  print: (program, failure) =>
    Effect.runCallback(program, {
      onExit: (exit) => {
        console.error(`${failure}:`, exit, inspect(exit, { depth: Infinity, showHidden: true }), JSON.stringify(exit))
        process.exitCode = 1
      }
    })
}

const [, , death, ...named] = process.argv
for (const failure of named) {
  deaths[death!]!(
    Effect.provide<unknown, unknown, any, any, never, never>(failures[failure as keyof typeof failures], world),
    failure
  )
}
