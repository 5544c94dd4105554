// Two ways to replace a client secret, each while the application goes on calling:
//
//   npx pnpm@10 exec node examples/rotating-credentials.ts
//
// No variable is needed: a Spotnana runs in the same process.
//
// It prints
//
//   Two users: 200
//   Token requests: 3
//   One user: 200, InvalidCredentials
//   …
import { ApiUserRotation, ApiUsers, Credentials, SpotnanaHttpClient, TokenEndpoint } from "@effect-spotnana/core"
import { MockSpotnana } from "@effect-spotnana/testing"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Context, Effect, Fiber, Layer, Redacted, Ref, References } from "effect"

const clientId = "example"
const clientSecret = Redacted.make("example-secret")

// Stands for a vault: one entry with id and secret, which is read at every acquisition.
class Vault extends Context.Service<Vault, Ref.Ref<Credentials.ClientCredentials>>()("example/Vault") {
  static readonly layer = Layer.effect(Vault, Ref.make<Credentials.ClientCredentials>({ clientId, clientSecret }))
}

const VaultCredentials = Layer.effect(
  Credentials.Credentials,
  Effect.map(Vault, (vault) => ({ current: Ref.get(vault) }))
)

const writeVault = (credentials: Credentials.ClientCredentials) =>
  Effect.flatMap(Vault, (vault) => Ref.set(vault, credentials))

const Application = ApiUsers.layer.pipe(
  Layer.provideMerge(SpotnanaHttpClient.layerCredentials()),
  Layer.provideMerge(TokenEndpoint.layer()),
  Layer.provideMerge(VaultCredentials),
  Layer.provideMerge(Vault.layer),
  Layer.provideMerge(MockSpotnana.layerHttpClient),
  Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret, apiLatency: "10 millis" }))
)

// Calls for as long as `during` runs, and prints in which ways calls ended.
const underLoad = <A, E, R>(title: string, during: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
    const ends = new Set<string>()
    const call = Effect.match(spotnana.get("/v2/companies"), {
      onFailure: (error) => ends.add(error._tag),
      onSuccess: (response) => ends.add(`${response.status}`)
    })
    let isOver = false
    const load = yield* Effect.forkChild(
      Effect.repeat(Effect.andThen(call, Effect.sleep("1 millis")), { while: () => !isOver })
    )
    yield* Effect.sleep("100 millis")
    yield* during
    yield* Effect.sleep("100 millis")
    // The last call is waited for.
    isOver = true
    yield* Fiber.join(load)
    yield* Console.log(`${title}: ${[...ends].join(", ")}`)
  })

const program = Effect.gen(function*() {
  const { tokenRequests } = yield* MockSpotnana.MockSpotnana

  // The default drain is a token's lifetime and 5 minutes; an example does not sleep for an hour.
  yield* underLoad("Two users", ApiUserRotation.rotate({ switchTo: writeVault, drain: "1 second" }))
  yield* Console.log(`Token requests: ${yield* tokenRequests}`)

  // The old secret is dead from the first moment; here it takes a second until the new one is in the vault.
  const apiUsers = yield* ApiUsers.ApiUsers
  const { clientId } = yield* Effect.flatMap(Vault, Ref.get)
  yield* underLoad(
    "One user",
    Effect.flatMap(apiUsers.rotateSecret(clientId), (rotated) => Effect.delay(writeVault(rotated), "1 second"))
  )
})

program.pipe(
  Effect.provide(Application),
  // The refusals of the second way are meant, and counted above.
  Effect.provideService(References.MinimumLogLevel, "None"),
  NodeRuntime.runMain
)
