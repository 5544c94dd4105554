/** A Spotnana on a socket, whose connections are within reach of the test. */
import { MockSpotnana } from "@effect-spotnana/testing"
import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer, Redacted } from "effect"
import type { Scope } from "effect"
import { HttpServer } from "effect/http"
import { createServer } from "node:http"

export type Mock = MockSpotnana.MockSpotnana["Service"]

export interface Served {
  readonly mock: Mock
  /** What leads to it. */
  readonly variables: Readonly<Record<"SPOTNANA_CLIENT_ID" | "SPOTNANA_CLIENT_SECRET" | "SPOTNANA_BASE_URL", string>>
  /** Closes the connections that no request is on, as every server does after a while. */
  readonly closeIdleConnections: Effect.Effect<void>
}

/** `answer` decides what is served: the mock as it is, or something around it. */
export const serve = (
  answer: (mock: Mock) => Mock["httpEffect"] = (mock) => mock.httpEffect
): Effect.Effect<Served, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const server = createServer()
    // No connection ends by itself.
    server.keepAliveTimeout = 0
    const mock = yield* MockSpotnana.make()
    const { clientId, clientSecret } = yield* mock.credentials
    const services = yield* Layer.build(NodeHttpServer.layer(() => server, { port: 0, host: "127.0.0.1" }))
    return yield* Effect.gen(function*() {
      yield* HttpServer.serveEffect(answer(mock))
      // It would wait for connections that are kept open.
      yield* Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
      return {
        mock,
        variables: {
          SPOTNANA_CLIENT_ID: clientId,
          SPOTNANA_CLIENT_SECRET: Redacted.value(clientSecret),
          SPOTNANA_BASE_URL: yield* HttpServer.addressFormattedWith(Effect.succeed)
        },
        closeIdleConnections: Effect.sync(() => server.closeIdleConnections())
      }
    }).pipe(Effect.provideContext(services))
  })

/** What Spotnana saw: `api 2` is a call with the second token, and `api 1 401` one whose token was dead. */
export const seen = (mock: Mock): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(mock.ledger, (ledger) => {
    const tokens = [...new Set(ledger.map(({ token }) => token && Redacted.value(token)))]
    return ledger.map(({ endpoint, status, token }) => {
      const which = `${endpoint} ${tokens.indexOf(token && Redacted.value(token)) + 1}`
      return status === 200 ? which : `${which} ${status}`
    })
  })
