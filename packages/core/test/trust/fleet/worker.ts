// One process of a fleet: does what it is told by its parent, and says how it went.
import { Environment, FileTokenStore, RedisTokenStore, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import type { AccessToken } from "@effect-spotnana/core"
import { NodeHttpClient, NodeRedis, NodeServices } from "@effect/platform-node"
import { Context, Effect, Layer, Logger, Redacted } from "effect"
import type { Scope } from "effect"
import { createHash } from "node:crypto"
import { clientId, clientSecret } from "../../support/harness.ts"

/** What a worker is told. */
export type Task = "rehearse" | "get" | "call" | "warm"

/** How it went: which token it was, without telling it, what the API answered, and how long that took. */
export interface Report {
  readonly token?: string
  readonly status?: number
  readonly error?: string
  /** Nanoseconds that a `get` took on the average, none of which was suspended. */
  readonly nanos?: number
  readonly millis: number
}

export interface Options {
  readonly baseUrl: string
  /** Without it and without `directory` the processes share nothing. */
  readonly redis?: string
  readonly namespace?: string
  readonly directory?: string
}

/** The client of the task `rehearse`: the same as `get`, and a token of its own. */
export const rehearsal = { clientId: "rehearsal", clientSecret: Redacted.make("r3h34rs4l") }

if (process.send !== undefined) {
  const options = JSON.parse(process.argv[2]!) as Options
  const store = options.redis !== undefined
    ? RedisTokenStore.layerWith(NodeRedis.layer({ url: options.redis }), { namespace: options.namespace })
    : options.directory !== undefined
    ? Layer.provide(FileTokenStore.layer({ directory: options.directory }), NodeServices.layer)
    : Layer.empty
  const logger = Logger.make(({ message }) => void process.send!({ log: String(message) }))
  const auth = (client: { readonly clientId: string; readonly clientSecret: Redacted.Redacted }) =>
    SpotnanaHttpClient.layer({ ...client, environment: Environment.makeUnsafe({ baseUrl: options.baseUrl }) }).pipe(
      Layer.provide(store),
      Layer.provide(NodeHttpClient.layerUndici),
      Layer.provideMerge(Logger.layer([logger]))
    )

  const program = Effect.gen(function*() {
    const provider = yield* TokenProvider.TokenProvider
    const client = yield* SpotnanaHttpClient.SpotnanaHttpClient
    const run = Effect.runPromiseWith(yield* Effect.context<Scope.Scope>())
    const digest = ({ value }: AccessToken.AccessToken) => ({
      token: createHash("sha256").update(Redacted.value(value)).digest("hex")
    })
    const tasks: Readonly<Record<Task, Effect.Effect<Omit<Report, "millis">, { readonly _tag: string }, Scope.Scope>>> =
      {
        rehearse: Effect.flatMap(
          Layer.build(auth(rehearsal)),
          (services) => Effect.map(Context.get(services, TokenProvider.TokenProvider).get, digest)
        ),
        get: Effect.map(provider.get, digest),
        call: Effect.map(client.get("/v2/companies?limit=1"), ({ status }) => ({ status })),
        // Who does not suspend does not wait for a network either: `runSync` dies of it.
        warm: Effect.sync(() => {
          const times = 200_000
          const start = performance.now()
          for (let n = 0; n < times; n++) Effect.runSync(provider.get)
          return { nanos: (performance.now() - start) * 1_000_000 / times }
        })
      }
    process.on("message", (task: Task) => {
      const start = performance.now()
      const done = (report: Omit<Report, "millis">) =>
        process.send!({ task, report: { ...report, millis: performance.now() - start } })
      void run(tasks[task]).then(done, (error) => done({ error: String(error._tag) }))
    })
    process.send!({ ready: true })
    return yield* Effect.never
  }).pipe(Effect.provide(auth({ clientId, clientSecret })), Effect.scoped)
  process.on("disconnect", () => process.exit(0))
  void Effect.runPromise(program)
}
