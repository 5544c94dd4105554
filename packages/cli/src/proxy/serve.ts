import { SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import type { Environment } from "@effect-spotnana/core"
import * as Config from "effect/Config"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { HttpClient, HttpServer } from "effect/http"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { explain, usageFailure } from "../exitCode.ts"
import type { Failure } from "../exitCode.ts"
import * as Loopback from "../loopback.ts"
import { Output } from "../output.ts"
import { listening } from "./address.ts"
import type { Listening } from "./address.ts"
import { app } from "./app.ts"
import type { Traffic } from "./app.ts"
import * as Client from "./client.ts"

export interface Input {
  readonly address: Option.Option<string>
  readonly port: number
  readonly allowHost: ReadonlyArray<string>
  readonly requireKey: boolean
  readonly timeout: Duration.Duration
  readonly quiet: boolean
}

/** How long requests in progress may take when the proxy ends, in seconds. */
const drain = 5

/** The number of requests to the API at a time. Further requests wait. */
const concurrency = 64

const howToMakeKey = "export SPOTNANA_PROXY_KEY=\"$(node -p 'crypto.randomBytes(24).toString(\"base64url\")')\""

/** The key that clients must send, if a flag requires one. */
const keyOf = (
  requiredBy: string | undefined
): Effect.Effect<Redacted.Redacted | undefined, Failure | Config.ConfigError> =>
  Effect.gen(function*() {
    if (requiredBy === undefined) return undefined
    const key = yield* Config.String("SPOTNANA_PROXY_KEY").pipe(Config.withDefault(""))
    return /^[\x21-\x7e]{16,}$/.test(key)
      ? Redacted.make(key)
      : yield* usageFailure(
        `${requiredBy} requires a key, and SPOTNANA_PROXY_KEY is ${
          key === "" ? "not set" : "no key"
        }; at least 16 printable characters without spaces are expected.\n${howToMakeKey}`
      )
  })

/** The variable may be set in this shell for the programs that use the proxy. */
const assertNotItself = (
  { baseUrl }: Environment.Environment,
  hosts: ReadonlyArray<string>
): Effect.Effect<void, Failure> => {
  const { host, protocol } = new URL(baseUrl)
  return protocol === "http:" && hosts.includes(host)
    ? Effect.fail(
      usageFailure(
        `SPOTNANA_BASE_URL is ${baseUrl}, the address of this proxy itself. It must be the address of the API.`
      )
    )
    : Effect.void
}

/** `localhost` may mean either address. No other program may answer at the other one. */
const listen = ([first, ...others]: Listening["addresses"], port: number) =>
  Effect.gen(function*() {
    const options = { port, drain: `${drain} seconds` } as const
    const server = yield* Loopback.listen({ ...options, host: first })
    const address = HttpServer.formatAddress(server.address)
    const own = Number(new URL(address).port || "80")
    const rest = yield* Effect.forEach(others, (host) => Loopback.listenIfPossible({ ...options, host, port: own }))
    return { address, port: own, servers: [server, ...rest.filter((server) => server !== undefined)] }
  })

/** Explains why the end takes a moment. */
const announceEnd = (traffic: Traffic): Effect.Effect<void, never, Output | Scope.Scope> =>
  Effect.gen(function*() {
    const output = yield* Output
    yield* Effect.addFinalizer(() => {
      const { inProgress } = traffic
      return inProgress === 0
        ? Effect.void
        : output.note(`${inProgress} in progress; waiting up to ${drain} seconds for their answers`)
    })
  })

const introduce = (address: string, { baseUrl }: Environment.Environment, isOpen: boolean) =>
  Effect.gen(function*() {
    const output = yield* Output
    yield* output.line(address)
    yield* output.note(`What is sent to ${address} goes to ${baseUrl} with a token. Ctrl-C ends it.`)
    if (isOpen) {
      yield* output.note(
        "Every program of every user on this machine can use it. --require-key limits it to programs that know a key."
      )
    }
  })

/** Requests a token at the start, because the first request may come much later. */
const tryCredentials: Effect.Effect<void, never, Output | TokenProvider.TokenProvider> = Effect.gen(function*() {
  const output = yield* Output
  const provider = yield* TokenProvider.TokenProvider
  yield* Effect.catch(Effect.asVoid(provider.get), (error) => output.warn(explain(error).message))
})

/** Forwards requests until it is interrupted. */
export const serve = (
  input: Input
): Effect.Effect<never, Failure | Config.ConfigError, Output | TokenProvider.TokenProvider> =>
  Effect.gen(function*() {
    const provider = yield* TokenProvider.TokenProvider
    const { environment } = provider
    const { addresses, hosts, keyRequiredBy } = yield* Effect.mapError(
      Effect.fromResult(listening({ address: Option.getOrUndefined(input.address), allowHost: input.allowHost })),
      usageFailure
    )
    const key = yield* keyOf(input.requireKey ? "--require-key" : keyRequiredBy)
    yield* assertNotItself(environment, hosts(input.port))
    const client = SpotnanaHttpClient.authenticate(provider)(yield* Client.make(environment.baseUrl))
    const turns = yield* Semaphore.make(concurrency)
    const { address, port, servers } = yield* listen(addresses, input.port)
    const traffic: Traffic = { inProgress: 0 }
    const route = { client, provider, turns, timeout: input.timeout }
    const answer = app(route, { hosts: hosts(port), key }, traffic, input.quiet).pipe(
      // Trace headers of the client are forwarded. The proxy itself has no spans.
      Effect.provideService(HttpClient.TracerDisabledWhen, () => true)
    )
    for (const server of servers) {
      yield* Effect.provideService(HttpServer.serveEffect(answer), HttpServer.HttpServer, server)
    }
    yield* announceEnd(traffic)
    yield* introduce(address, environment, key === undefined)
    yield* Effect.forkScoped(tryCredentials)
    return yield* Effect.never
  }).pipe(Effect.scoped)
