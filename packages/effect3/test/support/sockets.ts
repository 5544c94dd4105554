import { Environment, SpotnanaHttpClient } from "@effect-spotnana/effect3"
import { MockSpotnana } from "@effect-spotnana/effect3/testing"
import { FetchHttpClient, HttpClientRequest } from "@effect/platform"
import type { HttpClient, HttpMethod } from "@effect/platform"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Context, Effect, Exit, Layer } from "effect"
import { once } from "node:events"
import { createServer } from "node:http"
import type { IncomingMessage, ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { clientId, clientSecret } from "./harness.ts"

/** The clients that the claims about the wire are tested with. */
export const platforms: ReadonlyArray<readonly [string, Layer.Layer<HttpClient.HttpClient>]> = [
  ["fetch", FetchHttpClient.layer],
  ["undici", NodeHttpClient.layerUndici],
  ["node:http", NodeHttpClient.layer]
]

/** A server on a socket of its own that answers as the test says, until the scope ends. Returns its address. */
export const serve = (handle: (request: IncomingMessage, response: ServerResponse, body: string) => void) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const server = createServer((request, response) => {
          const chunks: Array<Buffer> = []
          request.on("data", (chunk: Buffer) => chunks.push(chunk))
          request.on("end", () => handle(request, response, Buffer.concat(chunks).toString()))
          request.on("error", () => {})
        })
        server.listen(0, "127.0.0.1")
        await once(server, "listening")
        return server
      }),
      (server) =>
        Effect.promise(() => {
          server.closeAllConnections()
          return new Promise((resolve) => server.close(resolve))
        })
    ),
    (server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  )

/** The environment of the mock behind the socket. */
export class SocketEnvironment extends Context.Tag("SocketEnvironment")<
  SocketEnvironment,
  Environment.Environment
>() {}

/** A body that breaks off in the middle, as a mock on a socket sends it. */
export const brokenBody = "<broken off>"

/** A mock behind a real socket, at a port of its own. */
export const onSocket = (options?: MockSpotnana.Options): Layer.Layer<MockSpotnana.MockSpotnana | SocketEnvironment> =>
  Layer.scoped(
    SocketEnvironment,
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const baseUrl = yield* serve((received, response, body) => {
        const request = HttpClientRequest.make(received.method as HttpMethod.HttpMethod)(
          `http://mock${received.url}`,
          { headers: received.headers as Record<string, string> }
        ).pipe(HttpClientRequest.bodyText(body, received.headers["content-type"]))
        const answer = Effect.flatMap(
          mock.httpClient.execute(request),
          ({ arrayBuffer, headers, status }) =>
            Effect.map(arrayBuffer, (bytes) => ({ bytes: Buffer.from(bytes), headers, status }))
        )
        void Effect.runPromiseExit(answer).then((exit) => {
          if (Exit.isFailure(exit)) return void received.socket.destroy()
          const { bytes, headers, status } = exit.value
          if (bytes.toString() !== brokenBody) return void response.writeHead(status, { ...headers }).end(bytes)
          response.writeHead(status, { "content-length": "100" }).write("{", () => received.socket.destroy())
        })
      })
      return Environment.makeUnsafe({ baseUrl })
    })
  ).pipe(Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret, ...options })))

/** The library as a client of the mock behind the socket. */
export const authenticated = (options?: SpotnanaHttpClient.Options<false>) =>
  Layer.unwrapEffect(
    Effect.map(SocketEnvironment, (environment) =>
      SpotnanaHttpClient.layer({ clientId, clientSecret, environment, ...options }))
  )
