// Closes its scope when it is told to, whatever has become of Redis, and has then to end by itself.
import { Environment, RedisTokenStore, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { NodeHttpClient, NodeRedis } from "@effect/platform-node"
import { Context, Effect, Exit, Layer, References, Scope } from "effect"
import { once } from "node:events"
import { clientId, clientSecret } from "../../support/harness.ts"

/** What node-redis is told of a server, and how it is to behave. */
export type RedisOptions = NonNullable<Parameters<typeof NodeRedis.layer>[0]>

/** What the program is told. */
export interface Options {
  readonly baseUrl: string
  readonly redis: RedisOptions
  /** Whether it is to be closed while the token endpoint has not answered, or with a token and commands in flight. */
  readonly isAcquiring: boolean
}

if (process.send !== undefined) {
  const { baseUrl, isAcquiring, redis } = JSON.parse(process.argv[2]!) as Options

  const program = Effect.gen(function*() {
    const scope = yield* Scope.make()
    const services = yield* Layer.buildWithScope(
      SpotnanaHttpClient.layer({ clientId, clientSecret, environment: Environment.makeUnsafe({ baseUrl }) }).pipe(
        Layer.provide(RedisTokenStore.layerWith(NodeRedis.layer(redis))),
        Layer.provide(NodeHttpClient.layerUndici)
      ),
      scope
    )
    const provider = Context.get(services, TokenProvider.TokenProvider)
    if (isAcquiring) yield* Effect.forkDetach(Effect.exit(provider.get))
    else yield* provider.get
    process.send!("ready")
    yield* Effect.promise(() => once(process, "message"))
    if (!isAcquiring) {
      const token = yield* provider.get
      yield* Effect.forkDetach(Effect.exit(Effect.andThen(provider.reject(token), provider.get)))
      // Long enough for a command to have left.
      yield* Effect.sleep(100)
    }
    yield* Scope.close(scope, Exit.void)
    console.log("closed")
    process.disconnect()
  })

  await Effect.runPromise(Effect.provideService(program, References.MinimumLogLevel, "None"))
}
