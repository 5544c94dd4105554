/** How an example is run: by Node, in a process of its own, against a Spotnana on a socket. */
import { MockSpotnana } from "@effect-spotnana/testing"
import { NodeHttpServer, NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Stream } from "effect"
import type { Scope } from "effect"
import { FetchHttpClient, HttpServer } from "effect/http"
import { ChildProcess } from "effect/process"
import { createServer } from "node:http"
import { fileOf } from "./bundle.ts"

const Spotnana = MockSpotnana.layerServer.pipe(
  Layer.provideMerge(MockSpotnana.layer()),
  Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })),
  Layer.provideMerge(FetchHttpClient.layer),
  Layer.provideMerge(NodeServices.layer)
)

export type Variables = Readonly<Record<string, string | undefined>>

// Only the variables that are given: whoever runs the tests may have some of Spotnana's set. With compiled modules kept,
// an example starts in six tenths of the time.
export const start = (
  file: string,
  variables: Variables,
  args: ReadonlyArray<string> = [],
  { bundled = true }: { readonly bundled?: boolean } = {}
) =>
  ChildProcess.make(process.execPath, [fileOf(file, { bundled }), ...args], {
    env: { NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"], ...variables },
    detached: false
  })

const text = <E>(stream: Stream.Stream<Uint8Array, E>) => Stream.mkString(Stream.decodeText(stream))

/** Runs an example until it ends by itself. */
export const run = Effect.fnUntraced(function*(...command: Parameters<typeof start>) {
  const child = yield* start(...command)
  const [stdout, stderr, exitCode] = yield* Effect.all([text(child.stdout), text(child.stderr), child.exitCode], {
    concurrency: "unbounded"
  })
  return { stdout, stderr, exitCode: Number(exitCode), lines: stdout.split("\n").slice(0, -1) }
}, Effect.scoped)

/** The variables that lead to the mock, and the values that must not be seen. */
const access = Effect.gen(function*() {
  const mock = yield* MockSpotnana.MockSpotnana
  const { clientId, clientSecret } = yield* mock.credentials
  const { address } = yield* HttpServer.HttpServer
  const variables = {
    SPOTNANA_CLIENT_ID: clientId,
    SPOTNANA_CLIENT_SECRET: Redacted.value(clientSecret),
    SPOTNANA_BASE_URL: HttpServer.formatAddress(address)
  }
  const assertNothingLeaks = Effect.fnUntraced(function*({ stderr, stdout }: { stdout: string; stderr: string }) {
    const tokens = (yield* mock.ledger).flatMap(({ token }) => token === undefined ? [] : [Redacted.value(token)])
    for (const secret of [Redacted.value(clientSecret), ...tokens]) {
      assert.notInclude(stdout + stderr, secret, "invariant 9: neither secret nor token is printed")
    }
  })
  return { mock, variables, assertNothingLeaks }
})

/** What the mock received, and what it answered. */
export const endpoints = Effect.gen(function*() {
  const { ledger } = yield* MockSpotnana.MockSpotnana
  return (yield* ledger).map(({ endpoint, status }) => `${endpoint} ${status}`)
})

const timeout = 60_000

/** A test of an example, with a Spotnana of its own on a socket. */
export const example = (
  name: string,
  test: (
    subjects: Effect.Success<typeof access>
  ) => Effect.Effect<void, unknown, Layer.Success<typeof Spotnana> | Scope.Scope>
) => it.live(name, () => Effect.flatMap(access, test).pipe(Effect.provide(Spotnana)), timeout)
