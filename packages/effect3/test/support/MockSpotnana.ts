import { HttpClient, HttpClientError } from "@effect/platform"
import type { Headers, HttpBody } from "@effect/platform"
import { Clock, Context, Duration, Effect, Layer, Redacted, Stream } from "effect"
import { respond } from "./answer.ts"
import type { Answer } from "./answer.ts"
import type { Fault } from "./Fault.ts"

/** How the mock behaves. */
export interface Options {
  readonly clientId?: string
  readonly clientSecret?: Redacted.Redacted | string
  /** How long a token is accepted, which is what is said of it too. Default: an hour. */
  readonly tokenLifetime?: Duration.DurationInput
  readonly tokenLatency?: Duration.DurationInput
  readonly apiLatency?: Duration.DurationInput
}

/** A request that was received. */
export interface LedgerEntry {
  readonly endpoint: "token" | "api"
  readonly method: string
  readonly path: string
  readonly headers: Headers.Headers
  readonly body: string
  readonly clientId: string | undefined
  readonly token: string | undefined
  readonly at: number
  readonly status: number | "hang" | "drop"
}

interface Client {
  readonly clientId: string
  readonly clientSecret: Redacted.Redacted
}

const garbage = Uint8Array.of(0xff, 0xfe, 0x7b, 0x22, 0xc3, 0x28, 0x00, 0x80)

const textOf = (body: HttpBody.HttpBody): Effect.Effect<string> => {
  switch (body._tag) {
    case "Uint8Array":
      return Effect.succeed(new TextDecoder().decode(body.body))
    case "Stream":
      return Effect.orDie(Stream.mkString(Stream.decodeText(body.stream)))
    default:
      return Effect.succeed("")
  }
}

/** A Spotnana in memory, which the library for Effect 4 has as a package. This has what the tests here ask of it. */
export const make = (given: Options = {}) => {
  let options = given
  const clients = new Map<string, string>()
  const tokens = new Map<string, { readonly clientId: string; readonly until: number }>()
  const faults = {
    token: [] as Array<{ fault: Fault; times: number }>,
    api: [] as Array<{ fault: Fault; times: number }>
  }
  const ledger: Array<LedgerEntry> = []
  const millis = (input: Duration.DurationInput | undefined, otherwise = 0) =>
    input === undefined ? otherwise : Duration.toMillis(input)
  const lifetime = () => millis(options.tokenLifetime, 3_600_000)
  let serial = 0

  const add = (clientId: string, clientSecret: Redacted.Redacted | string = `secret-${++serial}`): Client => {
    const secret = typeof clientSecret === "string" ? clientSecret : Redacted.value(clientSecret)
    clients.set(clientId, secret)
    return { clientId, clientSecret: Redacted.make(secret) }
  }
  const first = add(options.clientId ?? "mock-client", options.clientSecret)

  const takeFault = (endpoint: "token" | "api"): Fault | undefined => {
    const [next] = faults[endpoint]
    if (next === undefined) return undefined
    if (--next.times <= 0) faults[endpoint].shift()
    return next.fault
  }
  const spotnanaError = (status: number, errorCode: string, message: string): Answer => ({
    status,
    body: { debugIdentifier: `mock-debug-${++serial}`, errorMessages: [{ errorCode, message }] }
  })

  const answerToken = (form: URLSearchParams, basic: string | undefined, at: number): Answer => {
    const [id = "", secret = ""] = basic === undefined
      ? [form.get("client_id") ?? "", form.get("client_secret") ?? ""]
      : Buffer.from(basic.slice(6), "base64").toString().split(":").map((part) =>
        new URLSearchParams(`x=${part}`).get("x")!
      )
    if (form.get("grant_type") !== "client_credentials") {
      return { status: 400, body: { error: "unsupported_grant_type" } }
    }
    if (clients.get(id) !== secret) {
      const error = { error: "invalid_client", error_description: "Client authentication failed" }
      return { status: 401, body: { ...error, debugIdentifier: `mock-debug-${++serial}` } }
    }
    const token = `t0k3n-${++serial}-${id}`
    tokens.set(token, { clientId: id, until: at + lifetime() })
    return {
      status: 200,
      body: { access_token: token, token_type: "Bearer", expires_in: Math.floor(lifetime() / 1_000) }
    }
  }

  const answerApi = (path: string, url: URL, body: string, type: string | undefined): Answer => {
    if (path === "/v2/companies") {
      const limit = Number(url.searchParams.get("limit") ?? 100)
      const elements = Array.from({ length: limit }, (_, index) => ({ id: String(index), name: `Company ${index}` }))
      return { status: 200, body: { length: limit, elements, totalNumResults: 120 } }
    }
    if (path === "/v2/echo") return { status: 200, body, headers: type === undefined ? {} : { "content-type": type } }
    return spotnanaError(404, "NOT_FOUND", "There is nothing here")
  }

  const httpClient: HttpClient.HttpClient = HttpClient.make((request, url) =>
    Effect.gen(function*() {
      const path = url.pathname
      const endpoint = path === "/v2/auth/oauth2-token" ? "token" : "api"
      const fault = takeFault(endpoint)
      const at = yield* Clock.currentTimeMillis
      const body = yield* textOf(request.body)
      const authorization = request.headers.authorization
      const bearer = /^bearer +(\S+)$/i.exec(authorization ?? "")?.[1]
      const owner = bearer === undefined ? undefined : tokens.get(bearer)
      const isAlive = owner !== undefined && at < owner.until
      const form = new URLSearchParams(body)
      const answered = (): Answer =>
        endpoint === "token"
          ? answerToken(form, authorization?.startsWith("Basic ") ? authorization : undefined, at)
          : isAlive
          ? answerApi(path, url, body, request.headers["content-type"])
          : spotnanaError(401, "USER_NOT_AUTHENTICATED", bearer ? "Access Token Invalid" : "User is not authenticated")
      const decision: Answer | "hang" | "drop" = fault === undefined
        ? answered()
        : fault._tag === "Status"
        ? fault
        : fault._tag === "Garbage"
        ? { status: 200, body: garbage, headers: { "content-type": "application/json" } }
        : fault._tag === "Hang"
        ? "hang"
        : "drop"
      ledger.push({
        endpoint,
        method: request.method,
        path,
        headers: request.headers,
        body,
        clientId: endpoint === "token" ? form.get("client_id") ?? undefined : owner?.clientId,
        token: bearer,
        at,
        status: typeof decision === "string" ? decision : decision.status
      })
      const latency = millis(endpoint === "token" ? options.tokenLatency : options.apiLatency)
      if (latency > 0) yield* Effect.sleep(latency)
      if (decision === "hang") return yield* Effect.never
      if (decision === "drop") {
        return yield* new HttpClientError.RequestError({
          request,
          reason: "Transport",
          description: "The connection was dropped"
        })
      }
      return respond(request, decision)
    })
  )

  const received = (endpoint: "token" | "api") =>
    Effect.sync(() => ledger.filter((entry) => entry.endpoint === endpoint).length)

  return {
    httpClient,
    addClient: (clientId: string, clientSecret?: Redacted.Redacted | string) =>
      Effect.sync(() => add(clientId, clientSecret)),
    /** Changes what is named. */
    configure: (changes: Options) =>
      Effect.sync(() => {
        options = { ...options, ...changes }
      }),
    /** Queues a fault for the next requests to an endpoint. */
    inject: (endpoint: "token" | "api", fault: Fault, { times = 1 }: { readonly times?: number } = {}) =>
      Effect.sync(() => void faults[endpoint].push({ fault, times })),
    clearFaults: Effect.sync(() => {
      faults.token.length = 0
      faults.api.length = 0
    }),
    /** Every token that was issued dies now. */
    revokeTokens: Effect.sync(() => tokens.clear()),
    /** A new secret for the first client. The old one and its tokens die at once. */
    rotateSecret: Effect.sync((): Client => {
      for (const [token, { clientId }] of tokens) if (clientId === first.clientId) tokens.delete(token)
      return add(first.clientId)
    }),
    ledger: Effect.sync(() => ledger.slice()),
    clearLedger: Effect.sync(() => void ledger.splice(0)),
    tokenRequests: received("token"),
    apiRequests: received("api")
  }
}

export class MockSpotnana extends Context.Tag("MockSpotnana")<MockSpotnana, ReturnType<typeof make>>() {
  static use<A, E, R>(f: (mock: ReturnType<typeof make>) => Effect.Effect<A, E, R>) {
    return Effect.flatMap(MockSpotnana, f)
  }
}

export const layer = (options?: Options): Layer.Layer<MockSpotnana> => Layer.sync(MockSpotnana, () => make(options))

export const layerHttpClient: Layer.Layer<HttpClient.HttpClient, never, MockSpotnana> = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(MockSpotnana, (mock) => mock.httpClient)
)
