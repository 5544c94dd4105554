/**
 * A mock that answers like Spotnana, with faults on demand.
 *
 * @since 0.1.0
 */
import type { PartnerJwk } from "@effect-spotnana/engine/mock/PartnerKeys"
import * as State from "@effect-spotnana/engine/mock/State"
import type { Reference } from "@effect-spotnana/engine/mock/State"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpServer from "effect/http/HttpServer"
import type * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Fault } from "./Fault.ts"
import * as Application from "./internal/application.ts"
import { fromRegistry } from "./internal/client.ts"
import type { Client } from "./internal/client.ts"
import * as Connection from "./internal/connection.ts"
import * as Random from "./internal/random.ts"
import * as Transport from "./internal/transport.ts"
import type { Endpoint, LedgerEntry } from "./Ledger.ts"
import * as Settings from "./Settings.ts"

export type { Client, PartnerJwk, Reference }

/**
 * The initial settings of a mock, and the data with which it answers.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends Settings.Input {
  /** The first client's id. Default: `mock-client`. */
  readonly clientId?: string | undefined
  /** The first client's secret. Default: a random one. */
  readonly clientSecret?: Redacted.Redacted | string | undefined
  /** What `/v2/companies` lists. Default: {@link companies}. */
  readonly companies?: ReadonlyArray<Reference> | undefined
  /** The ids that `/v2/users/{userId}` knows. Default: {@link users}. */
  readonly users?: ReadonlyArray<string> | undefined
  /** The client for the partner's `userEndpoint` and `jwksUrl`. Default: `fetch`. */
  readonly partnerClient?: HttpClient.HttpClient | undefined
}

/**
 * The companies that a mock lists by default: 120, so that they do not fit in one page.
 *
 * @category constants
 * @since 0.1.0
 */
export const companies: ReadonlyArray<Reference> = State.companies

/**
 * The ids of the users that a mock knows by default.
 *
 * @category constants
 * @since 0.1.0
 */
export const users: ReadonlyArray<string> = State.users

/**
 * A mock of Spotnana for tests: it does what the test tells it, and keeps a ledger of the requests that it received.
 *
 * **When to use**
 *
 * In tests of code that calls Spotnana. With {@link layerHttpClient} it replaces the network and works under
 * `TestClock`. With {@link layerServer} it listens on a socket.
 *
 * **Details**
 *
 * It answers `POST /v2/auth/oauth2-token` (client credentials, and the exchange of a user's token), `POST
 * /get-auth-token` (410, it is deprecated), `GET /v2/companies`, `GET /v2/users/{userId}`, `POST` and `GET
 * /v2/api-users`, `POST /v2/api-users/rotate` and `/revoke`, `POST`, `GET` and `DELETE
 * /v2/companies/{companyId}/partner-public-keys`, and with a SCIM token `GET /v2/scim/Users`. Two routes are not those
 * of the real Spotnana: `POST /v2/echo`, for tests of replay, answers with the body that it received, and `GET
 * /embed?idp=token-exchange-auth` is a page for an iframe. It asks the page around it for tokens with the same messages
 * as Spotnana's page, and calls the API with them.
 *
 * The answer is decided when the request arrives. Latency only delays it. So the lifetime of a token starts when the
 * request for it arrived, not when the answer was sent.
 *
 * **Gotchas**
 *
 * The ledger keeps every request until `clearLedger`.
 *
 * @category services
 * @since 0.1.0
 */
export class MockSpotnana extends Context.Service<MockSpotnana, {
  /** The first client, with the secret that is valid now. A defect if it was revoked. */
  readonly credentials: Effect.Effect<Client>
  /**
   * Adds a further client, a TMC administrator like the first one, with the given secret or a random one. An id that
   * exists already is a defect.
   */
  readonly addClient: (clientId: string, clientSecret?: Redacted.Redacted | string) => Effect.Effect<Client>
  /**
   * Adds a user, or a further token of a user. A token request of any client may exchange that token for a token that
   * acts for the user (RFC 8693), and gets a refresh token with it. The mock also exchanges a JWT that was signed with
   * a key that is registered or at `jwksUrl`, and a token for which `userEndpoint` has an email.
   */
  readonly addUser: (subjectToken: Redacted.Redacted | string, email: string) => Effect.Effect<void>
  /**
   * From now on, no token of this user is exchanged. Tokens that were already exchanged are accepted until they expire
   * or are revoked.
   */
  readonly removeUser: (email: string) => Effect.Effect<void>
  /** Changes the given settings. The others stay. */
  readonly configure: (settings: Settings.Input) => Effect.Effect<void>
  /**
   * Queues a fault for the next `times` requests (default 1) to an endpoint. `Infinity` is until `clearFaults`. A
   * request uses it up when it arrives, before the request is read.
   */
  readonly inject: (
    endpoint: Exclude<Endpoint, "other">,
    fault: Fault,
    options?: { readonly times?: number | undefined }
  ) => Effect.Effect<void>
  /** Removes the queued faults. Requests that already hang continue to hang. */
  readonly clearFaults: Effect.Effect<void>
  /** Makes every issued token invalid. */
  readonly revokeTokens: Effect.Effect<void>
  /** Makes every token of one client invalid, including those that act for its users. */
  readonly revokeTokensOf: (clientId: string) => Effect.Effect<void>
  /** Makes every token that acts for one user invalid. */
  readonly revokeTokensOfUser: (email: string) => Effect.Effect<void>
  /**
   * Makes a new secret, for the first client if no other is named. The old secret and every token of that client become
   * invalid at once, as with Spotnana's `POST /v2/api-users/rotate`. An unknown id is a defect.
   */
  readonly rotateSecret: (clientId?: string) => Effect.Effect<Client>
  /** The public keys that are registered and active; see `SubjectTokenVerifier`. */
  readonly partnerKeys: Effect.Effect<ReadonlyArray<PartnerJwk>>
  /** What was received, oldest first. */
  readonly ledger: Effect.Effect<ReadonlyArray<LedgerEntry>>
  /** The requests from the subscription on, each when it enters the ledger. */
  readonly requests: Stream.Stream<LedgerEntry>
  /** How many entries of the ledger are for the token endpoint. */
  readonly tokenRequests: Effect.Effect<number>
  /** How many entries of the ledger are for the API. */
  readonly apiRequests: Effect.Effect<number>
  readonly clearLedger: Effect.Effect<void>
  /** The mock as an application, for your own router or Web handler. {@link layerServer} serves it. */
  readonly httpEffect: Effect.Effect<
    HttpServerResponse.HttpServerResponse,
    HttpServerError.HttpServerError,
    HttpServerRequest.HttpServerRequest
  >
  /** The same application as an `HttpClient`, for every host; see {@link layerHttpClient}. */
  readonly httpClient: HttpClient.HttpClient
}>()("@effect-spotnana/testing/MockSpotnana") {}

/**
 * Makes a mock.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(
  options?: Options | undefined
): Effect.fn.Return<MockSpotnana["Service"], never, Scope.Scope> {
  let settings = Settings.merge(Settings.defaults, options ?? {})
  const current = Effect.sync(() => settings)
  const mock = State.make<Fault>({
    settings: () => ({
      ...settings,
      tokenLifetime: Duration.toMillis(settings.tokenLifetime),
      tokenLatency: Duration.toMillis(settings.tokenLatency),
      apiLatency: Duration.toMillis(settings.apiLatency)
    }),
    companies: options?.companies,
    users: options?.users
  })
  const { faults, partnerKeys, registry } = mock
  const ledger: Array<LedgerEntry> = []
  const requests = yield* PubSub.unbounded<LedgerEntry>()
  const add = (clientId: string, clientSecret: Redacted.Redacted | string | undefined): Effect.Effect<Client> =>
    Effect.map(Random.digits, (random) => fromRegistry(registry.add(clientId, text(clientSecret), random)))
  const { clientId } = yield* add(options?.clientId ?? "mock-client", options?.clientSecret)
  const decide = Application.make({
    mock,
    settings: current,
    partner: yield* partnerClient(options?.partnerClient),
    enter: (entry) => {
      ledger.push(entry)
      PubSub.publishUnsafe(requests, entry)
    }
  })
  const received = (endpoint: Endpoint) => Effect.sync(() => ledger.filter((_) => _.endpoint === endpoint).length)

  return MockSpotnana.of({
    credentials: Effect.sync(() => fromRegistry(registry.get(clientId))),
    addClient: add,
    addUser: (subjectToken, email) => Effect.sync(() => registry.addUser(text(subjectToken), email)),
    removeUser: (email) => Effect.sync(() => registry.removeUser(email)),
    configure: (input) =>
      Effect.sync(() => {
        settings = Settings.merge(settings, input)
      }),
    inject: (endpoint, fault, options) => Effect.sync(() => faults[endpoint].add(fault, options?.times ?? 1)),
    clearFaults: Effect.sync(() => Object.values(faults).forEach((queue) => queue.clear())),
    revokeTokens: Effect.sync(() => registry.revoke()),
    revokeTokensOf: (clientId) => Effect.sync(() => registry.revoke({ clientId })),
    revokeTokensOfUser: (user) => Effect.sync(() => registry.revoke({ user })),
    rotateSecret: (id = clientId) => Effect.map(Random.digits, (random) => fromRegistry(registry.rotate(id, random))),
    partnerKeys: Effect.sync(partnerKeys.active),
    ledger: Effect.sync(() => ledger.slice()),
    requests: Stream.fromPubSub(requests),
    tokenRequests: received("token"),
    apiRequests: received("api"),
    clearLedger: Effect.sync(() => void ledger.splice(0)),
    httpEffect: Transport.serverEffect(decide),
    httpClient: Transport.httpClient(decide)
  })
})

/**
 * Provides a mock.
 *
 * **Example** (a first test)
 *
 * ```ts
 * import { MockSpotnana } from "@effect-spotnana/testing"
 * import { Effect, Layer } from "effect"
 * import { HttpClient } from "effect/http"
 *
 * const SpotnanaTest = MockSpotnana.layerHttpClient.pipe(Layer.provideMerge(MockSpotnana.layer()))
 *
 * const test = Effect.gen(function*() {
 *   const spotnana = yield* MockSpotnana.MockSpotnana
 *   const response = yield* HttpClient.get("https://api.spotnana.com/v2/companies")
 *   const [entry] = yield* spotnana.ledger
 *   return [response.status, entry?.headers.host] // => [401, "api.spotnana.com"]
 * }).pipe(Effect.provide(SpotnanaTest))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: Options | undefined): Layer.Layer<MockSpotnana> =>
  Layer.effect(MockSpotnana, make(options))

/**
 * Provides an `HttpClient` that sends every request to the mock, without a
 * socket.
 *
 * **When to use**
 *
 * Under `TestClock`: nothing here waits for anything except `Clock`.
 *
 * **Details**
 *
 * The mock answers for every host. The `host` header in the ledger shows which
 * host was requested. Everything that waits (latency, a fault that hangs, the
 * backoff of the code under test) waits for `TestClock`: fork it and adjust the
 * clock.
 *
 * **Gotchas**
 *
 * A request body that is neither text nor bytes nor a `Stream` (`FormData`, a Web
 * `ReadableStream`) is read through promises.
 *
 * @category layers
 * @since 0.1.0
 */
// Fresh, because a memoised layer would give the client of the first mock to all mocks of a program.
export const layerHttpClient: Layer.Layer<HttpClient.HttpClient, never, MockSpotnana> = Layer.fresh(
  Layer.effect(HttpClient.HttpClient, Effect.map(MockSpotnana, (mock) => mock.httpClient))
)

/**
 * Serves the mock on the `HttpServer` that is provided.
 *
 * **When to use**
 *
 * When a test is about the wire, or when another process calls Spotnana.
 *
 * **Details**
 *
 * The clock is the one that the layer was built with. When it closes, it cuts
 * connections that are still open, so that a request that hangs does not delay
 * the server's shutdown.
 *
 * **Example** (on Node, on a free port)
 *
 * ```ts
 * import { MockSpotnana } from "@effect-spotnana/testing"
 * import { NodeHttpServer } from "@effect/platform-node"
 * import { Layer } from "effect"
 * import { createServer } from "node:http"
 *
 * const SpotnanaServer = MockSpotnana.layerServer.pipe(
 *   Layer.provideMerge(MockSpotnana.layer()),
 *   Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerServer: Layer.Layer<never, never, MockSpotnana | HttpServer.HttpServer> = Layer.effectDiscard(
  Effect.gen(function*() {
    const mock = yield* MockSpotnana
    const connections = Connection.makeSet()
    yield* HttpServer.serveEffect(
      Effect.tap(HttpServerRequest.HttpServerRequest, connections.add).pipe(
        Effect.andThen(mock.httpEffect)
      )
    )
    // Added after the finalizer of the server, so it runs first. That of the server waits for requests in progress.
    yield* Effect.addFinalizer(() => connections.destroy)
  })
)

/**
 * Runs in the context of the mock, not of a request. In the same process, the context of a request is that of its
 * client, which has its own rules about where a request may go.
 */
const partnerClient = (given: HttpClient.HttpClient | undefined): Effect.Effect<HttpClient.HttpClient> =>
  Effect.gen(function*() {
    const context = yield* Effect.context<never>()
    const client = given ?? (yield* Effect.provide(HttpClient.HttpClient, FetchHttpClient.layer))
    return HttpClient.transformResponse(client, Effect.updateContext(() => context))
  })

function text(secret: Redacted.Redacted | string): string
function text(secret: Redacted.Redacted | string | undefined): string | undefined
function text(secret: Redacted.Redacted | string | undefined): string | undefined {
  return Redacted.isRedacted(secret) ? Redacted.value(secret) : secret
}
