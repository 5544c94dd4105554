// One process of a fleet: does what it is told by its parent, and says how it went.
import { Environment, FileTokenStore, RedisTokenStore, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import type { AccessToken } from "@effect-spotnana/core"
import { NodeHttpClient, NodeRedis, NodeServices } from "@effect/platform-node"
import { Context, Effect, Exit, Layer, Logger, Redacted, Scope } from "effect"
import { createHash } from "node:crypto"
import { clientId, clientSecret } from "../../support/harness.ts"

/** What a worker does with its client. */
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

/** What a worker is told: to make a client, to do something with it, or to close it. */
export type Told =
  | { readonly id: number; readonly open: Options }
  | { readonly id: number; readonly task: Task }
  | { readonly id: number; readonly close: true }

if (process.send !== undefined) {
  const logger = Logger.make(({ message }) => void process.send!({ log: String(message) }))
  const auth = (options: Options, client: { readonly clientId: string; readonly clientSecret: Redacted.Redacted }) => {
    const store = options.redis !== undefined
      ? RedisTokenStore.layerWith(NodeRedis.layer({ url: options.redis }), { namespace: options.namespace })
      : options.directory !== undefined
      ? Layer.provide(FileTokenStore.layer({ directory: options.directory }), NodeServices.layer)
      : Layer.empty
    return SpotnanaHttpClient.layer({ ...client, environment: Environment.makeUnsafe({ baseUrl: options.baseUrl }) })
      .pipe(
        Layer.provide(store),
        Layer.provide(NodeHttpClient.layerUndici),
        Layer.provideMerge(Logger.layer([logger]))
      )
  }

  const open = async (options: Options) => {
    const scope = Scope.makeUnsafe()
    const services = await Effect.runPromise(Layer.buildWithScope(auth(options, { clientId, clientSecret }), scope))
    const provider = Context.get(services, TokenProvider.TokenProvider)
    const client = Context.get(services, SpotnanaHttpClient.SpotnanaHttpClient)
    const digest = ({ value }: AccessToken.AccessToken) => ({
      token: createHash("sha256").update(Redacted.value(value)).digest("hex")
    })
    const tasks: Readonly<Record<Task, Effect.Effect<Omit<Report, "millis">, { readonly _tag: string }>>> = {
      rehearse: Effect.flatMap(
        Layer.buildWithScope(auth(options, rehearsal), scope),
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
    const run = Effect.runPromiseWith(services)
    return {
      run: (task: Task) => run(tasks[task]).catch((error) => ({ error: String(error._tag) })),
      close: () => run(Scope.close(scope, Exit.void))
    }
  }

  let opened: ReturnType<typeof open> | undefined
  const obey = async (told: Told): Promise<Omit<Report, "millis">> => {
    if ("open" in told) opened = open(told.open)
    const worker = await opened!
    if ("task" in told) return worker.run(told.task)
    if ("close" in told) await worker.close()
    return {}
  }
  process.on("message", (told: Told) => {
    const start = performance.now()
    void obey(told).then((report) =>
      process.send!({ id: told.id, report: { ...report, millis: performance.now() - start } })
    )
  })
  process.on("disconnect", () => process.exit(0))
}
