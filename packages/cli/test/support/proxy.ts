import { MockSpotnana } from "@effect-spotnana/testing"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Context, Effect, Layer, References } from "effect"
import type { Scope } from "effect"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { clientId, clientSecret, makeUser } from "./cli.ts"
import type { RunningProcess } from "./process.ts"
import type { Running } from "./running.ts"

/** How the API answers at a path of its own. */
export type Route = (request: Http.IncomingMessage, response: Http.ServerResponse) => void

/** A request as a program on this machine makes it: every header is the caller's. */
export interface Call {
  readonly method?: string
  readonly path: string
  readonly headers?: Http.OutgoingHttpHeaders
  readonly body?: string | Uint8Array
}

/** Its answer, as it was on the wire. */
export interface Answer {
  readonly status: number
  readonly headers: Http.IncomingHttpHeaders
  readonly body: Buffer
}

/** The proxy, in front of a Spotnana on a socket that has further paths. */
export class Proxied extends Context.Service<Proxied, {
  readonly running: Running
  /** The process of the proxy, if it has one of its own. */
  readonly child: ChildProcess | undefined
  readonly url: string
  readonly port: number
  readonly mock: MockSpotnana.MockSpotnana["Service"]
  readonly api: Http.Server
  readonly apiUrl: string
  /** Gives a path to a route of the test. */
  readonly route: (path: string, route: Route) => Effect.Effect<void>
  /** A request that goes to the proxy and is under way. */
  readonly begin: (call: Omit<Call, "body">) => Http.ClientRequest
  readonly call: (call: Call) => Effect.Effect<Answer>
}>()("Proxied") {}

export const read = async (response: Http.IncomingMessage): Promise<Answer> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }
}

/** The mock, with paths for what it does not do. */
const api = Effect.gen(function*() {
  const mock = yield* MockSpotnana.make({ clientId, clientSecret })
  const routes = new Map<string, Route>()
  const handler = yield* NodeHttpServer.makeHandler(mock.httpEffect, { scope: yield* Effect.scope })
  const server = yield* Effect.acquireRelease(
    Effect.sync(() =>
      Http.createServer((request, response) =>
        (routes.get(request.url?.split("?")[0] ?? "") ?? handler)(request, response)
      )
    ),
    (server) =>
      Effect.sync(() => {
        server.closeAllConnections()
        server.close()
      })
  )
  yield* Effect.promise(() => once(server.listen(0, "127.0.0.1"), "listening"))
  const { port } = server.address() as AddressInfo
  return { mock, routes, server, url: `http://127.0.0.1:${port}` }
})

interface Options {
  readonly env?: Readonly<Record<string, string>>
  /** Changes Spotnana before the proxy requests a token. */
  readonly before?: (mock: MockSpotnana.MockSpotnana["Service"]) => Effect.Effect<void>
  /** Runs the proxy as a process, for tests of signals and of memory. */
  readonly asProcess?: boolean
}

export const proxied = (
  args: ReadonlyArray<string> = [],
  { asProcess = false, before = () => Effect.void, env = {} }: Options = {}
): Layer.Layer<Proxied> =>
  Layer.effect(
    Proxied,
    Effect.gen(function*() {
      const { mock, routes, server, url: apiUrl } = yield* api
      yield* before(mock)
      const user = yield* makeUser({
        SPOTNANA_CLIENT_ID: clientId,
        SPOTNANA_CLIENT_SECRET: clientSecret,
        SPOTNANA_BASE_URL: apiUrl,
        ...env
      })
      const start: (
        args: ReadonlyArray<string>
      ) => Effect.Effect<Running & Partial<RunningProcess>, never, Scope.Scope> = asProcess
        ? user.startProcess
        : user.start
      const running = yield* start(["proxy", "--port", "0", ...args])
      const [url] = yield* running.match(/^http:\/\/[\d.]+:\d+$/m)
      yield* running.match(/Ctrl-C ends it/)
      const agent = new Http.Agent({ keepAlive: true })
      yield* Effect.addFinalizer(() => Effect.sync(() => agent.destroy()))
      const begin = (call: Omit<Call, "body">) =>
        Http.request(url, { agent, method: call.method ?? "GET", path: call.path, headers: call.headers ?? {} })
      return {
        running,
        child: running.child,
        url,
        port: Number(new URL(url).port),
        mock,
        api: server,
        apiUrl,
        route: (path, route) => Effect.sync(() => void routes.set(path, route)),
        begin,
        call: (call) =>
          Effect.promise(async () => {
            const request = begin(call).end(call.body)
            const [response] = await once(request, "response")
            return read(response)
          })
      }
    })
  ).pipe(Layer.provide(Layer.succeed(References.MinimumLogLevel, "None")))

/** What the proxy has to say in the body of an answer of its own. */
export const said = ({ body }: Answer): { readonly code: string; readonly message: string } => {
  const { errorMessages: [first] } = JSON.parse(String(body)) as {
    readonly errorMessages: readonly [{ readonly errorCode: string; readonly message: string }]
  }
  return { code: first.errorCode, message: first.message }
}
