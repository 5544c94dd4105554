// The example `observability.ts` as a process of its own, and a Spotnana for it behind a socket.
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { NodeHttpServer, NodeServices } from "@effect/platform-node"
import { Deferred, Effect, Layer, Schedule, Stream } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"
import { ChildProcess } from "effect/process"
import { createServer } from "node:http"

/** A Spotnana whose first token lives so short that its renewal can be waited for. */
export const Spotnana = MockSpotnana.layerServer.pipe(
  Layer.provideMerge(MockSpotnana.layer({ tokenLifetime: "4 seconds" })),
  Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })),
  Layer.provideMerge(FetchHttpClient.layer),
  Layer.provideMerge(NodeServices.layer)
)

/** Starts the example. It listens when this is done, or has failed with what it printed. */
export const start = Effect.fnUntraced(function*(variables: Readonly<Record<string, string>>) {
  const child = yield* ChildProcess.make(process.execPath, ["examples/observability.ts"], {
    env: { ...variables, OTEL_EXPORTER_PROMETHEUS_PORT: "0" },
    detached: false
  })
  const said: Array<string> = []
  const listening = yield* Deferred.make<string, string>()
  yield* child.all.pipe(
    Stream.decodeText,
    Stream.splitLines,
    Stream.runForEach((line) => {
      said.push(line)
      const [, address] = /Listening on (\S+)/.exec(line) ?? []
      return address === undefined ? Effect.void : Deferred.succeed(listening, address)
    }),
    Effect.andThen(Effect.suspend(() => Deferred.fail(listening, said.join("\n")))),
    Effect.forkScoped
  )
  const get = Effect.fnUntraced(function*(path: string) {
    const response = yield* HttpClient.get((yield* Deferred.await(listening)) + path)
    return { status: response.status, type: response.headers["content-type"], text: yield* response.text }
  })
  return {
    said,
    listening: Deferred.await(listening),
    get,
    exitCode: Effect.map(child.exitCode, Number),
    stop: Effect.andThen(child.kill({ killSignal: "SIGTERM" }), Effect.map(child.exitCode, Number))
  }
})

/** Looks again until it is so; the test's own time-out is the limit. */
export const until = <E, R>(what: Effect.Effect<boolean, E, R>) =>
  Effect.repeat(what, { until: (isSo) => isSo, schedule: Schedule.spaced("20 millis") })

export const timeout = 120_000

/**
 * A life with a renewal, two revocations and a failure in it. Once the first token is renewed nothing happens by itself, so
 * that it makes no difference how fast the machine is.
 */
export const live = Effect.fnUntraced(function*(example: Effect.Success<ReturnType<typeof start>>) {
  const mock = yield* MockSpotnana.MockSpotnana
  const shows = (text: string) => until(Effect.map(example.get("/metrics"), (page) => page.text.includes(text)))
  yield* until(Effect.map(mock.tokenRequests, (requests) => requests > 0))
  yield* mock.configure({ tokenLifetime: "1 hour" })
  yield* shows("spotnana_auth_renewals_total{")
  yield* mock.revokeTokens
  yield* shows("spotnana_auth_replays_total{")
  // A new token that is rejected before it was accepted once counts as evidence against the API.
  yield* until(Effect.map(mock.ledger, (ledger) => {
    const last = ledger.at(-1)
    return last?.endpoint === "api" && last.status === 200
  }))
  yield* mock.inject("token", Fault.status(503))
  yield* mock.revokeTokens
  yield* until(Effect.sync(() => example.said.some((line) => line.includes("acquired after failures"))))
})
