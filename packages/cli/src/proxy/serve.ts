import { SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import type { Environment } from "@effect-spotnana/core"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { HttpClient, HttpServer } from "effect/http"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { explain, usageFailure } from "../exitCode.ts"
import type { Failure } from "../exitCode.ts"
import * as Loopback from "../loopback.ts"
import * as NodeClient from "../nodeClient.ts"
import { outboundFor } from "../outbound.ts"
import { Output } from "../output.ts"
import { app } from "./app.ts"
import type { Traffic } from "./app.ts"

export interface Input {
  readonly port: number
  readonly requireKey: boolean
  readonly timeout: Duration.Duration
  readonly quiet: boolean
}

/** How long requests in progress have when the proxy ends. */
const drain = 5

/**
 * The client of the API. `fetch` would decompress and leave `content-encoding` in place, and it follows redirects.
 *
 * More requests at a time wait. A connection that was idle for long may be one that the other side is just closing.
 */
const Client = ({ baseUrl }: Environment.Environment) =>
  Layer.unwrap(
    Effect.map(
      outboundFor(baseUrl),
      (proxy) => NodeClient.layer(proxy, { keepAlive: true, maxSockets: 64, timeout: 15_000 })
    )
  )

const howToMakeKey = "export SPOTNANA_PROXY_KEY=\"$(node -p 'crypto.randomBytes(24).toString(\"base64url\")')\""

const keyOf = ({ requireKey }: Input): Effect.Effect<Redacted.Redacted | undefined, Failure | Config.ConfigError> =>
  Effect.gen(function*() {
    if (!requireKey) return undefined
    const key = yield* Config.String("SPOTNANA_PROXY_KEY").pipe(Config.withDefault(""))
    return /^[\x21-\x7e]{16,}$/.test(key)
      ? Redacted.make(key)
      : yield* usageFailure(
        `SPOTNANA_PROXY_KEY is ${
          key === "" ? "not set" : "no key"
        }; at least 16 printable characters without spaces are expected.\n${howToMakeKey}`
      )
  })

/** The variable is set in this shell for the programs that are to use the proxy, it may be. */
const assertNotItself = ({ baseUrl }: Environment.Environment, port: number): Effect.Effect<void, Failure> => {
  const url = new URL(baseUrl)
  return ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname) && Number(url.port || "80") === port
    ? Effect.fail(
      usageFailure(`SPOTNANA_BASE_URL is ${baseUrl}, the address of this proxy itself. It is to be that of the API.`)
    )
    : Effect.void
}

const listen = (port: number) =>
  Effect.gen(function*() {
    const server = yield* Loopback.listen({ host: "127.0.0.1", port, drain: `${drain} seconds` })
    const address = HttpServer.formatAddress(server.address)
    const own = Number(new URL(address).port)
    // Who says localhost may mean either. Nobody else is to answer there.
    const other = yield* Loopback.listenIfPossible({ host: "::1", port: own, drain: `${drain} seconds` })
    return { address, port: own, servers: other === undefined ? [server] : [server, other] }
  })

/** Says in time why an end takes a moment. */
const announceEnd = (traffic: Traffic): Effect.Effect<void, never, Output | Scope.Scope> =>
  Effect.gen(function*() {
    const output = yield* Output
    yield* Effect.addFinalizer(() => {
      const { inProgress } = traffic
      return inProgress === 0
        ? Effect.void
        : output.note(`${inProgress} in progress; ${drain} seconds for the rest of the answers`)
    })
  })

const introduce = (address: string, { baseUrl }: Environment.Environment, { requireKey }: Input) =>
  Effect.gen(function*() {
    const output = yield* Output
    yield* output.line(address)
    yield* output.note(`What is sent to ${address} goes to ${baseUrl} with a token. Ctrl-C ends it.`)
    if (!requireKey) {
      yield* output.note(
        "Every program of every user on this machine can use it meanwhile. --require-key keeps out who does not know a key."
      )
    }
  })

/** Learns at once whether there is a token to be had: the first request may be a long time coming. */
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
    const key = yield* keyOf(input)
    yield* assertNotItself(environment, input.port)
    const client = SpotnanaHttpClient.authenticate(provider)(
      Context.get(yield* Layer.build(Client(environment)), HttpClient.HttpClient)
    )
    const { address, port, servers } = yield* listen(input.port)
    const traffic: Traffic = { inProgress: 0 }
    const answer = app({ client, environment, timeout: input.timeout }, { port, key }, traffic, input.quiet).pipe(
      // Spans of the client's own pass; this proxy has none.
      Effect.provideService(HttpClient.TracerDisabledWhen, () => true)
    )
    for (const server of servers) {
      yield* Effect.provideService(HttpServer.serveEffect(answer), HttpServer.HttpServer, server)
    }
    yield* announceEnd(traffic)
    yield* introduce(address, environment, input)
    yield* Effect.forkScoped(tryCredentials)
    return yield* Effect.never
  }).pipe(Effect.scoped)
