// Closes the scope of a provider at the moment that is named, and has then to end by itself.
import { SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { NodeHttpClient } from "@effect/platform-node"
import { Context, Effect, Exit, Layer, References, Scope, Stream } from "effect"
import { FetchHttpClient } from "effect/http"

const [, , name, moment] = process.argv
const platform = name === "FetchHttpClient" ? FetchHttpClient.layer : NodeHttpClient.layerUndici

const program = Effect.gen(function*() {
  const scope = yield* Scope.make()
  const services = yield* Layer.buildWithScope(
    SpotnanaHttpClient.layerConfig({
      timeout: "1 hour",
      refresh: { acquisitionTimeout: "1 hour", minimumMargin: 0 }
    }).pipe(Layer.provide(platform)),
    scope
  )
  const provider = Context.get(services, TokenProvider.TokenProvider)
  const reached = (state: TokenProvider.Status["state"]) =>
    Stream.runHead(Stream.filter(provider.changes, (status) => status.state === state))
  switch (moment) {
    case "idle":
      yield* provider.get
      break
    case "acquiring":
      yield* Effect.forkDetach(Effect.exit(provider.get))
      yield* reached("acquiring")
      break
    case "waiting":
      for (let n = 0; n < 100; n++) yield* Effect.forkDetach(Effect.exit(provider.get))
      yield* reached("acquiring")
      break
    case "renewing":
      yield* provider.get
      yield* reached("renewing")
  }
  // Long enough for the request to have left.
  yield* Effect.sleep(100)
  yield* Scope.close(scope, Exit.void)
  console.log(`closed while ${moment}`)
})

await Effect.runPromise(Effect.provideService(program, References.MinimumLogLevel, "None"))
