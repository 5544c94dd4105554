import { RedisTokenStore, SpotnanaHttpClient, TokenProvider, TokenStore } from "@effect-spotnana/core"
import { MockSpotnana, TokenStoreConformance } from "@effect-spotnana/testing"
import { NodeRedis } from "@effect/platform-node"
import { Config, Context, Duration, Effect, Exit, Layer, Redacted, References, Schedule } from "effect"
import type { Scope } from "effect"
import type { HttpClient } from "effect/http"
import { Redis } from "effect/persistence"
import { fork } from "node:child_process"
import { randomBytes, randomUUID } from "node:crypto"
import { once } from "node:events"
import { bundled } from "../../../../../scripts/bundled.ts"
import { endWithRun, inGroup } from "../../../../../scripts/processes.ts"
import { makeAudit } from "../../support/audit.ts"
import { clientId, clientSecret } from "../../support/harness.ts"
import type { Options as Closes, RedisOptions } from "./closes.ts"

export type { RedisOptions }

/** What the documentation recommends. */
export const recommended = {
  disableOfflineQueue: true,
  pingInterval: 15_000,
  socket: { socketTimeout: 20_000 }
} satisfies RedisOptions

/** The same with shorter times, for tests that wait until a frozen server is given up. */
export const recommendedInShort = {
  ...recommended,
  pingInterval: 2_000,
  socket: { socketTimeout: 5_000 }
} satisfies RedisOptions

/** A time that no test takes, and a key to store under. */
export const minute = Duration.minutes(1)
export const key = "test:client:0123"

const storeKey = randomBytes(32)
const keys = Config.succeed([Redacted.make<Uint8Array>(storeKey)] as const)

/** A store on a server: each has a connection of its own. */
export const storeOn = (redis: RedisOptions, namespace?: string): Layer.Layer<TokenStore.TokenStore> =>
  Layer.fresh(Layer.orDie(RedisTokenStore.layerWith(NodeRedis.layer(redis), { namespace, keys })))

/** A store on a client of one's own. */
export const storeOnClient = <E>(
  client: Effect.Effect<RedisTokenStore.Client, E, Scope.Scope>
): Layer.Layer<TokenStore.TokenStore> => Layer.fresh(Layer.orDie(RedisTokenStore.layerClient(client, { keys })))

/** Sends commands as somebody who may do all. */
export const send = (redis: RedisOptions, ...commands: ReadonlyArray<string>) =>
  Effect.forEach(commands, (command) => {
    const [name, ...args] = command.split(" ")
    return Redis.Redis.use((redis) => redis.send(name!, ...args))
  }).pipe(Effect.provide(NodeRedis.layer(redis)), Effect.orDie)

/** Succeeds where the store does all that is demanded of one; all at once, for they have nothing to do with each other. */
export const conforms = (store: Layer.Layer<TokenStore.TokenStore>) =>
  Effect.gen(function*() {
    const { backend } = yield* TokenStore.TokenStore
    yield* Effect.forEach(
      TokenStoreConformance.cases,
      ({ name, run }) =>
        Effect.mapError(
          run(backend, `test:client:${randomUUID()}`),
          ({ message }) => new TokenStoreConformance.Nonconformance({ message: `${name}: ${message}` })
        ),
      { concurrency: "unbounded", discard: true }
    )
  }).pipe(Effect.provide(store))

/** The Spotnana that the processes of a test call. */
export const spotnana = MockSpotnana.layerHttpClient.pipe(
  Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret })),
  // What these tests cause on purpose is logged as it should be, and of no interest here.
  Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "None"))
)

export const tokenRequests = MockSpotnana.MockSpotnana.use((_) => _.tokenRequests)

/** What a process of its own would have. */
export interface Instance {
  readonly provider: TokenProvider.TokenProvider["Service"]
  readonly client: SpotnanaHttpClient.SpotnanaHttpClient["Service"]
}

/** An instance with a connection of its own. */
export const instance = (
  store: Layer.Layer<TokenStore.TokenStore>
): Effect.Effect<Instance, never, Scope.Scope | HttpClient.HttpClient> =>
  Effect.map(
    Layer.build(Layer.fresh(
      SpotnanaHttpClient.layer({ clientId, clientSecret }).pipe(
        Layer.provide(store)
      )
    )),
    (services) => ({
      provider: Context.get(services, TokenProvider.TokenProvider),
      client: Context.get(services, SpotnanaHttpClient.SpotnanaHttpClient)
    })
  )

/** The lease of the key, which no other process has. */
export const granted = (backend: TokenStore.Backend) =>
  Effect.map(backend.lease(key, minute), (lease) => {
    if (lease._tag !== "Granted") throw new Error("The lease is not granted")
    return lease.fence
  })

/** What a store does, once it is connected. */
export const backendOn = (redis: RedisOptions) =>
  Layer.build(storeOn(redis)).pipe(
    Effect.map((services) => Context.get(services, TokenStore.TokenStore).backend),
    Effect.tap((backend) => Effect.retry(backend.read(key), Schedule.spaced("50 millis")))
  )

/** Has each of them make a call at the same moment: what the API answered, and what it cost. */
export const callsOf = (instances: ReadonlyArray<Instance>) =>
  Effect.gen(function*() {
    const before = yield* tokenRequests
    const responses = yield* Effect.all(instances.map(({ client }) => client.get("/v2/companies")), {
      concurrency: "unbounded"
    })
    return { statuses: responses.map(({ status }) => status), tokenRequests: (yield* tokenRequests) - before }
  })

/** Ends once all of them make one token request where each needs a token. */
export const together = (instances: ReadonlyArray<Instance>) =>
  Effect.gen(function*() {
    yield* MockSpotnana.MockSpotnana.use((_) => _.revokeTokens)
    const before = yield* tokenRequests
    // An instance on another server than the others may be told a token that is revoked as well: its call fails, and its
    // next replacement waits for a minute or two.
    const exits = yield* Effect.all(instances.map(({ client }) => Effect.exit(client.get("/v2/companies"))), {
      concurrency: "unbounded"
    })
    return exits.every(Exit.isSuccess) && (yield* tokenRequests) - before === 1
  }).pipe(
    Effect.repeat({ until: (isTogether) => isTogether, schedule: Schedule.spaced("1 second") }),
    Effect.timeout("4 minutes")
  )

const warning = "The token store cannot be used; this process requests tokens by itself until it can"

/** The warnings of a store in a scenario. It is an error if a secret is in anything that was logged, by node-redis too. */
export const warnings = <A, E, R>(scenario: Effect.Effect<A, E, R>, secrets: ReadonlyArray<string> = []) =>
  Effect.gen(function*() {
    const audit = makeAudit()
    yield* audit.run(scenario)
    const lines = audit.text().split("\n").filter((line) => line.startsWith("{") && line.includes(warning))
    const tokens = (yield* MockSpotnana.MockSpotnana.use((_) => _.ledger)).flatMap(({ token }) =>
      token === undefined ? [] : [Redacted.value(token)]
    )
    const found = audit.search([
      ...secrets,
      ...tokens,
      Redacted.value(clientSecret),
      storeKey.toString("base64"),
      storeKey.toString("hex")
    ])
    if (found.length > 0) return yield* Effect.die(new Error(`Secrets in the log: ${found.join("\n")}`))
    return lines
  })

/**
 * A process that is ready, and the effect that has it close its scope: ends with it, with its exit code and what it said.
 * One that hangs is killed, and has no exit code.
 */
export const closer = (options: Closes) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const program = await bundled(new URL("./closes.ts", import.meta.url))
        // Of tests that run at once the end of one would be the end of the processes of all.
        const child = endWithRun(fork(program, [JSON.stringify(options)], {
          ...inGroup,
          env: { ...process.env, SPOTNANA_TOKEN_STORE_KEYS: storeKey.toString("base64") },
          stdio: ["ignore", "pipe", "inherit", "ipc"]
        }))
        let said = ""
        child.stdout!.on("data", (chunk) => {
          said += chunk
        })
        await once(child, "message")
        return { child, said: () => said }
      }),
      ({ child }) => Effect.sync(() => void child.kill("SIGKILL"))
    ),
    ({ child, said }) =>
      Effect.promise(async () => {
        child.send("close")
        const patience = setTimeout(() => child.kill("SIGKILL"), 30_000)
        const [code] = await once(child, "exit")
        clearTimeout(patience)
        return [code, said()] as const
      })
  )
