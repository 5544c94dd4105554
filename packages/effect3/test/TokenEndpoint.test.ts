import { AccessToken, type AuthError, type Credentials, Environment, TokenEndpoint } from "@effect-spotnana/effect3"
import {
  FetchHttpClient,
  Headers,
  HttpClient,
  HttpClientError,
  HttpClientRequest,
  HttpClientResponse,
  UrlParams
} from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Cause, DateTime, Duration, Effect, Exit, Fiber, Layer, Option, Redacted, Stream, TestClock } from "effect"
import { readFileSync } from "node:fs"
import { inspect } from "node:util"
import { makeAudit } from "./support/audit.ts"
import { recordingTracer } from "./support/recordingTracer.ts"

const tokenUrl = "https://api.spotnana.com/v2/auth/oauth2-token"
const good = JSON.stringify({ access_token: "t0ken", token_type: "Bearer", expires_in: 3600 })

const credentials = (clientId: string, clientSecret: string): Credentials.ClientCredentials => ({
  clientId,
  clientSecret: Redacted.make(clientSecret)
})
const secret = "s3cret-as-long-as-they-are-in-practice"
const client = credentials("client", secret)

type Answer = Effect.Effect<Response, HttpClientError.HttpClientError>

/** The HTTP boundary: what was asked, and how it is answered. */
const server = (answer: (request: HttpClientRequest.HttpClientRequest, signal: AbortSignal) => Answer) => {
  const requests: Array<HttpClientRequest.HttpClientRequest> = []
  const httpClient = HttpClient.make((request, _url, signal) => {
    requests.push(request)
    return Effect.map(answer(request, signal), (response) => HttpClientResponse.fromWeb(request, response))
  })
  return { requests, httpClient }
}

const answering = (body: BodyInit | null, init?: ResponseInit) =>
  server(() => Effect.sync(() => new Response(body, init)))

const endpoint = (
  { httpClient }: { readonly httpClient: HttpClient.HttpClient },
  options?: TokenEndpoint.Options
): Effect.Effect<TokenEndpoint.TokenEndpoint["Type"]> =>
  Effect.provideService(TokenEndpoint.make(options), HttpClient.HttpClient, httpClient)

const acquire = (
  on: { readonly httpClient: HttpClient.HttpClient },
  options?: TokenEndpoint.Options,
  as: Credentials.ClientCredentials = client
): Effect.Effect<AccessToken.AccessToken, AuthError.TokenEndpointError> =>
  Effect.flatMap(endpoint(on, options), ({ acquire }) => acquire(as))

/** The endpoint on the real client, over a `fetch` of ours. */
const overFetch = (
  fetch: typeof globalThis.fetch,
  requestInit?: RequestInit
): Layer.Layer<TokenEndpoint.TokenEndpoint> =>
  TokenEndpoint.layer().pipe(
    Layer.provide(
      requestInit === undefined
        ? FetchHttpClient.layer
        : Layer.provide(FetchHttpClient.layer, Layer.succeed(FetchHttpClient.RequestInit, requestInit))
    ),
    Layer.provide(Layer.succeed(FetchHttpClient.Fetch, fetch))
  )

const bodyOf = (request: HttpClientRequest.HttpClientRequest): string => {
  if (request.body._tag !== "Uint8Array") return assert.fail(`a body of the kind ${request.body._tag}`)
  return new TextDecoder().decode(request.body.body)
}

/** The fields of a form, each on its line: a field that is there twice is seen. */
const formOf = (request: HttpClientRequest.HttpClientRequest): ReadonlyArray<string> =>
  [...new URLSearchParams(bodyOf(request))].map(([name, value]) => `${name}: ${value}`).toSorted()

/** Every way in which an error, or whatever holds it, is printed. */
const assertHidden = (error: AuthError.TokenEndpointError, canaries: ReadonlyArray<string>) => {
  const renderings = {
    string: String(error),
    message: error.message,
    stack: error.stack,
    json: JSON.stringify(error),
    inspect: inspect(error, { depth: Infinity, showHidden: true, getters: true }),
    properties: inspect(Object.getOwnPropertyDescriptors(error), { depth: Infinity, showHidden: true }),
    fail: Cause.pretty(Cause.fail(error)),
    die: Cause.pretty(Cause.die(error)),
    exit: inspect(Exit.fail(error), { depth: Infinity, showHidden: true })
  }
  for (const [name, rendering] of Object.entries(renderings)) {
    for (const canary of canaries) assert.notInclude(rendering, canary, name)
  }
}

const protocol = ["client_id: client", `client_secret: ${secret}`, "grant_type: client_credentials"]

describe("its options", () => {
  it.effect.each<[keyof TokenEndpoint.Options, unknown, string]>([
    ["timeout", 0, "TokenEndpoint.timeout is 0; expected a finite duration of at least 1 ms"],
    ["timeout", -1, "TokenEndpoint.timeout is -1;"],
    ["timeout", NaN, "TokenEndpoint.timeout is NaN;"],
    ["timeout", Infinity, "TokenEndpoint.timeout is Infinity;"],
    ["timeout", null, "TokenEndpoint.timeout is null;"],
    ["timeout", "30 secs", "TokenEndpoint.timeout is \"30 secs\";"],
    ["maxBodySize", NaN, "TokenEndpoint.maxBodySize is NaN; expected a whole number of at least 1"],
    ["maxBodySize", 0, "TokenEndpoint.maxBodySize is 0;"],
    ["maxBodySize", 0.5, "TokenEndpoint.maxBodySize is 0.5;"],
    ["maxBodySize", Infinity, "TokenEndpoint.maxBodySize is Infinity;"],
    ["maxBodySize", null, "TokenEndpoint.maxBodySize is null;"],
    ["maxBodySize", "64", "TokenEndpoint.maxBodySize is \"64\";"],
    ["clientAuthentication", "post", "TokenEndpoint.clientAuthentication is \"post\"; expected body or basic"],
    ["environment", "sandbox", "TokenEndpoint.environment is \"sandbox\"; expected an Environment"],
    ["environment", Environment.make({ baseUrl: "https://api.example" }), "; expected an Environment"],
    ["scope", 5, "TokenEndpoint.scope is 5; expected a text"],
    ["audience", {}, "TokenEndpoint.audience is [object Object]; expected a text"],
    ["parameters", { tenant: 5 }, "TokenEndpoint.parameters.tenant is 5; expected a text"],
    ["parameters", { tenant: Redacted.make(5) }, "TokenEndpoint.parameters.tenant is <redacted>; expected a text"]
  ])("of JavaScript are refused when it is made: %s %s", ([name, value, message]) =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(endpoint(answering(good), { [name]: value } as TokenEndpoint.Options))
      const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      assert.instanceOf(error, RangeError)
      assert.include((error as RangeError).message, message)
    }))

  it.effect("may be undefined", () =>
    Effect.gen(function*() {
      const names = ["environment", "scope", "audience", "parameters", "clientAuthentication", "timeout", "maxBodySize"]
      const { timeout } = yield* endpoint(answering(good), Object.fromEntries(names.map((name) => [name, undefined])))
      assert.deepStrictEqual(timeout, Duration.seconds(10))
    }))
})

describe("the request", () => {
  it.effect("is the one that Spotnana documents", () =>
    Effect.gen(function*() {
      const api = answering(good)
      yield* acquire(api)
      assert.strictEqual(api.requests.length, 1)
      const request = api.requests[0]!
      assert.strictEqual(request.method, "POST")
      assert.strictEqual(request.url, tokenUrl)
      assert.strictEqual(UrlParams.toString(request.urlParams), "")
      assert.isTrue(Option.isNone(request.hash))
      assert.deepStrictEqual(formOf(request), protocol)

      const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
        readonly version: string
      }
      const { b3: _b3, traceparent: _traceparent, ...headers } = request.headers
      assert.deepStrictEqual<Record<string, string>>({ ...headers }, {
        accept: "application/json",
        "accept-encoding": "identity",
        "content-length": String(bodyOf(request).length),
        "content-type": "application/x-www-form-urlencoded",
        "user-agent": `effect-spotnana/${manifest.version}`
      })
    }))

  it.effect("one acquisition is one request, and building the endpoint is none", () =>
    Effect.gen(function*() {
      const api = answering(good)
      const { acquire } = yield* endpoint(api)
      assert.strictEqual(api.requests.length, 0)
      yield* acquire(client)
      yield* acquire(client)
      assert.strictEqual(api.requests.length, 2)
    }))

  it.effect("goes to the environment's token endpoint", () =>
    Effect.gen(function*() {
      const environment = Environment.makeUnsafe({
        baseUrl: "https://api.acme.example/v1",
        tokenUrl: "https://login.acme.example/token?tenant=1"
      })
      const api = answering(good)
      const service = yield* endpoint(api, { environment })
      assert.strictEqual(service.environment, environment)
      yield* service.acquire(client)
      assert.strictEqual(api.requests[0]!.url, "https://login.acme.example/token?tenant=1")
    }))

  it.effect("encodes a secret of any characters that RFC 6749 allows", () =>
    Effect.gen(function*() {
      const api = answering(good)
      yield* acquire(api, {}, credentials("client:one", "s3cr:t %+&="))
      const body = bodyOf(api.requests[0]!).split("&").toSorted()
      assert.deepStrictEqual(body, [
        "client_id=client%3Aone",
        "client_secret=s3cr%3At+%25%2B%26%3D",
        "grant_type=client_credentials"
      ])
    }))

  it.effect("says scope, audience and parameters besides", () =>
    Effect.gen(function*() {
      const api = answering(good)
      yield* acquire(api, {
        scope: "read write",
        audience: "https://api.spotnana.com",
        parameters: { resource: "a&b", assertion: Redacted.make("s3aled") }
      })
      assert.deepStrictEqual(formOf(api.requests[0]!), [
        "assertion: s3aled",
        "audience: https://api.spotnana.com",
        ...protocol,
        "resource: a&b",
        "scope: read write"
      ])
    }))

  it.effect("parameters cannot replace the fields of the protocol", () =>
    Effect.gen(function*() {
      const api = answering(good)
      const evil = { grant_type: "e", client_id: "e", client_secret: "e", scope: "e", audience: "e" }
      yield* acquire(api, { scope: "read", audience: "api", parameters: evil })
      yield* acquire(api, { parameters: { grant_type: "e" }, clientAuthentication: "basic" })
      assert.deepStrictEqual(formOf(api.requests[0]!), ["audience: api", ...protocol, "scope: read"])
      assert.deepStrictEqual(formOf(api.requests[1]!), ["grant_type: client_credentials"])
    }))

  it.effect("by HTTP basic: form-encoded, then Base64, and not in the body", () =>
    Effect.gen(function*() {
      const api = answering(good)
      yield* acquire(api, { clientAuthentication: "basic" }, credentials("client:one", "s3cr:t %+&="))
      const request = api.requests[0]!
      // printf 'client%%3Aone:s3cr%%3At+%%25%%2B%%26%%3D' | base64
      assert.strictEqual(request.headers["authorization"], "Basic Y2xpZW50JTNBb25lOnMzY3IlM0F0KyUyNSUyQiUyNiUzRA==")
      assert.strictEqual(bodyOf(request), "grant_type=client_credentials")
    }))

  it.effect.each(
    [
      ["an empty id", credentials("", "s3cret"), "the client id is empty"],
      ["an empty secret", credentials("client", ""), "the client secret is empty"],
      [
        "a line break at the end",
        credentials("client", "s3cret\n"),
        "the client secret begins or ends with a space"
      ],
      ["a character outside ASCII", credentials("client", "s3cr:t %+&=é"), "the client secret has a character outside"]
    ] as const
  )(
    "credentials that no server can accept are refused without a request: %s",
    ([, as, what]) =>
      Effect.gen(function*() {
        const api = answering(good)
        const error = yield* Effect.flip(acquire(api, {}, as))
        assert.strictEqual(api.requests.length, 0)
        if (error._tag !== "InvalidCredentials") return assert.fail(error._tag)
        assert.include(error.message, `The credentials cannot be sent: ${what}`)
        assert.strictEqual(error.clientId, as.clientId)
        assert.isUndefined(error.status)
        assertHidden(error, ["s3cr"])
      })
  )
})

it.effect("a client that makes a GET of the POST, as for a redirect, takes no secret along", () =>
  Effect.gen(function*() {
    const on = answering("{}", { status: 405 })
    const redirecting = HttpClient.transform(
      on.httpClient,
      (sending, request) => Effect.zipRight(sending, on.httpClient.execute(HttpClientRequest.setMethod(request, "GET")))
    )
    yield* Effect.exit(acquire({ httpClient: redirecting }))
    const [post, get] = on.requests
    assert.include(inspect(post!.body, { depth: 5 }), "form-urlencoded")
    assert.strictEqual(get!.method, "GET")
    assert.strictEqual(get!.body._tag, "Empty")
    assert.notProperty(get!.headers, "authorization")
  }))

describe("the variant", () => {
  const variantOf = (options?: TokenEndpoint.Options) =>
    Effect.map(endpoint(answering(good), options), ({ variant }) => variant)

  it.effect("differs for all that tokens differ in, the value of a redacted parameter included", () =>
    Effect.gen(function*() {
      const all = yield* Effect.forEach([
        {},
        { scope: "a" },
        { audience: "a" },
        { scope: "" },
        { scope: "a", audience: "a" },
        { parameters: { resource: "a" } },
        { parameters: { resource: "b" } },
        { parameters: { tenant: "a" } },
        { parameters: { tenant: Redacted.make("b") } },
        { parameters: { tenant: Redacted.make("c") } },
        { parameters: { tenant: Redacted.make("c"), resource: "a" } },
        { parameters: { tenant: Redacted.make("c"), resource: "b" } },
        { parameters: { "a\",\"b": "c" } },
        { parameters: { a: "b\",\"c" } }
      ], variantOf)
      const texts = all.map((variant) => Redacted.isRedacted(variant) ? Redacted.value(variant) : variant)
      assert.strictEqual(new Set(texts).size, all.length)
    }))

  it.effect("does not differ for the order of the parameters, nor for how a token is requested", () =>
    Effect.gen(function*() {
      const variant = yield* variantOf({ parameters: { resource: "a", tenant: "b" } })
      const parameters = { tenant: "b", resource: "a" }
      assert.strictEqual(yield* variantOf({ parameters, clientAuthentication: "basic", timeout: "1 second" }), variant)
    }))

  it.effect("invariant 9: is redacted where a parameter is", () =>
    Effect.gen(function*() {
      const variant = yield* variantOf({
        scope: "read",
        parameters: { tenant: Redacted.make("c4nary"), resource: "a" }
      })
      for (const text of [JSON.stringify(variant), inspect(variant)]) {
        assert.notInclude(text, "c4nary")
      }
      assert.strictEqual(JSON.stringify(variant), "\"<redacted>\"")
      assert.strictEqual(
        yield* variantOf({ scope: "read", parameters: { resource: "a" } }),
        `["read",null,["resource","a"]]`
      )
    }))
})

describe("the token", () => {
  it.effect("invariant 10: is as old as the request for it, not as the answer", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(Date.UTC(2030, 0, 1))
      const api = server(() => Effect.as(Effect.sleep("4 seconds"), new Response(good)))
      const fiber = yield* Effect.fork(acquire(api))
      yield* TestClock.adjust("4 seconds")
      const token = yield* Fiber.join(fiber)
      assert.strictEqual(Redacted.value(token.value), "t0ken")
      assert.strictEqual(DateTime.formatIso(token.issuedAt), "2030-01-01T00:00:00.000Z")
      assert.strictEqual(DateTime.formatIso(token.expiresAt), "2030-01-01T01:00:00.000Z")
    }))

  it.effect("invariant 12: lives as long as the environment says where the answer does not", () =>
    Effect.gen(function*() {
      const environment = Environment.makeUnsafe({ baseUrl: "https://api.acme.example", defaultLifetime: "7 minutes" })
      const token = yield* acquire(answering(`{"access_token":"t0ken"}`), { environment })
      assert.strictEqual(Duration.toMinutes(AccessToken.lifetime(token)), 7)
    }))
})

/** What an error says, apart from its sentence. */
interface Meaning {
  readonly tag: string
  readonly status: number | undefined
  readonly reason: string | undefined
  readonly code: string | undefined
  readonly debugIdentifier: string | undefined
}

const meaning = (error: AuthError.TokenEndpointError): Meaning => ({
  tag: error._tag,
  status: error.status,
  reason: error._tag === "TokenEndpointUnavailable" ? error.reason : undefined,
  code: error._tag === "InvalidCredentials" ? error.code : undefined,
  debugIdentifier: error.debugIdentifier
})

interface Body {
  readonly bytes: BodyInit | null
  /** What its error code means where the status does not say it; nothing for none and for an unknown one. */
  readonly means?: "refused" | "RateLimited" | "ServerError"
  readonly code?: string
  readonly debugIdentifier?: string
  readonly isToken?: true
  /** Not what a token endpoint answers: a proxy or a firewall does. */
  readonly isPage?: true
  readonly isEmpty?: true
}

const bodies: Record<string, Body> = {
  "a token": { bytes: good, isToken: true },
  "a token with an unknown error code": {
    bytes: `{"access_token":"t0ken","errorCode":"SOMETHING_NEW","debugIdentifier":"debug-0"}`,
    isToken: true,
    code: "SOMETHING_NEW",
    debugIdentifier: "debug-0"
  },
  "a token that is refused all the same": {
    bytes: `{"access_token":"t0ken","error":"invalid_grant"}`,
    means: "refused",
    code: "invalid_grant"
  },
  "a token of an unusable type": {
    bytes: `{"access_token":"t0ken","token_type":"MAC","debugIdentifier":"debug-1"}`,
    debugIdentifier: "debug-1"
  },
  ...Object.fromEntries(
    [
      "invalid_client",
      "invalid_request",
      "invalid_grant",
      "unauthorized_client",
      "unsupported_grant_type",
      "invalid_scope",
      "access_denied"
    ].map((code): [string, Body] => [
      `RFC 6749 ${code}`,
      { bytes: JSON.stringify({ error: code, error_description: "why" }), means: "refused", code }
    ])
  ),
  "RFC 6749 temporarily_unavailable": {
    bytes: `{"error":"temporarily_unavailable","debugIdentifier":"debug-2"}`,
    means: "ServerError",
    code: "temporarily_unavailable",
    debugIdentifier: "debug-2"
  },
  "RFC 6749 server_error": { bytes: `{"error":"server_error"}`, means: "ServerError", code: "server_error" },
  "RFC 6749 with an unknown code": { bytes: `{"error":"something_new"}`, code: "something_new" },
  "Spotnana's error body": {
    bytes: `{"debugIdentifier":"debug-3","errorMessages":[{"errorCode":"USER_NOT_AUTHENTICATED","message":"why"}]}`,
    code: "USER_NOT_AUTHENTICATED",
    debugIdentifier: "debug-3"
  },
  "Spotnana's error body, rate limited": {
    bytes: `{"debugIdentifier":"debug-4","errorMessages":[{"errorCode":"TOO_MANY_REQUESTS"}]}`,
    means: "RateLimited",
    code: "TOO_MANY_REQUESTS",
    debugIdentifier: "debug-4"
  },
  "Spotnana's error body of other types": {
    bytes: `{"debugIdentifier":"debug-5","errorMessages":[{"errorCode":5,"message":{}}]}`,
    debugIdentifier: "debug-5"
  },
  "Spotnana's error body without messages": {
    bytes: `{"debugIdentifier":"debug-6","errorMessages":[]}`,
    debugIdentifier: "debug-6"
  },
  "a bare TOO_MANY_REQUESTS": {
    bytes: `{"errorCode":"TOO_MANY_REQUESTS"}`,
    means: "RateLimited",
    code: "TOO_MANY_REQUESTS"
  },
  "a bare message": { bytes: `{"message":"Access Token Invalid"}` },
  HTML: { bytes: "<!doctype html><title>502 Bad Gateway</title>", isPage: true },
  "nothing": { bytes: null, isEmpty: true },
  "an empty body": { bytes: "", isEmpty: true },
  // Read with a blind eye it would be a token.
  "invalid UTF-8": {
    bytes: Uint8Array.from(`{"access_token":"t0ken","note":"\xc3("}`, (char) => char.charCodeAt(0)),
    isPage: true
  },
  "a JSON array": { bytes: `[${good}]`, isPage: true },
  "JSON null": { bytes: "null", isPage: true },
  "a JSON string": { bytes: `"t0ken"`, isPage: true },
  "JSON that breaks off": { bytes: good.slice(0, -1), isPage: true },
  "depth without end": { bytes: "[".repeat(10_000), isPage: true }
}

/** DESIGN.md's table and the rule about codes, written down a second time. */
const expected = (status: number, body: Body): Meaning | string => {
  const { code, debugIdentifier } = body
  const unavailable = (reason: string) => ({
    tag: "TokenEndpointUnavailable",
    status,
    reason,
    code: undefined,
    debugIdentifier
  })
  const refused = { tag: "InvalidCredentials", status, reason: undefined, code, debugIdentifier }
  const malformed = { tag: "MalformedTokenResponse", status, reason: undefined, code: undefined, debugIdentifier }
  if (status === 429) return unavailable("RateLimited")
  if (status >= 500 || status === 408 || status === 425) return unavailable("ServerError")
  if (body.means === "refused") return refused
  if (body.means !== undefined) return unavailable(body.means)
  if (status === 400 || status === 403) return body.isPage || body.isEmpty ? unavailable("Intermediary") : refused
  if (status === 401) return body.isPage ? unavailable("Intermediary") : refused
  return status < 300 && body.isToken === true ? "t0ken" : malformed
}

/** Those of every branch, and their neighbours. The tests of the engine have all of them. */
const statuses = [200, 201, 204, 299, 301, 304, 400, 401, 402, 403, 404, 408, 418, 425, 429, 499, 500, 503, 599]
/** A `Response` of these cannot have a body. */
const bodiless = [204, 205, 304]

describe("the answer", () => {
  it.effect.each(Object.entries(bodies))(
    "invariant 12: an answer of whatever status with %s has its one meaning",
    ([, body]) =>
      Effect.gen(function*() {
        for (const status of statuses) {
          const sent = bodiless.includes(status) ? { bytes: null } : body
          const result = yield* acquire(answering(sent.bytes, { status })).pipe(
            Effect.match({ onFailure: meaning, onSuccess: (token) => Redacted.value(token.value) })
          )
          assert.deepStrictEqual<Meaning | string>(result, expected(status, sent), `status ${status}`)
        }
      })
  )

  it.effect("invariant 12: is understood as well through a client that filters statuses", () =>
    Effect.gen(function*() {
      for (const status of [200, 302, 400, 401, 403, 404, 429, 500]) {
        for (const body of Object.values(bodies)) {
          const { httpClient } = answering(body.bytes, { status })
          const result = yield* acquire({ httpClient: HttpClient.filterStatusOk(httpClient) }).pipe(
            Effect.match({ onFailure: meaning, onSuccess: (token) => Redacted.value(token.value) })
          )
          assert.deepStrictEqual<Meaning | string>(result, expected(status, body), `status ${status}`)
        }
      }
    }))

  it.effect.each<[string, number, string, ReadonlyArray<string>]>([
    [
      "a refusal",
      401,
      `{"error":"invalid_client","error_description":"no such client"}`,
      [`${tokenUrl} answered 401 to client client (invalid_client: no such client)`, "Check the client id, the secret"]
    ],
    [
      "a refusal in Spotnana's words",
      400,
      `{"errorMessages":[{"errorCode":"NOPE","message":"not you"},{"errorCode":"SECOND"}]}`,
      ["answered 400", "(NOPE: not you)"]
    ],
    ["a refusal without words", 401, "", ["answered 401 to client client. Check the client id"]],
    [
      "a page in place of a refusal",
      403,
      "<h1>Forbidden</h1>",
      ["answered 403 with a body that is not a JSON object: probably a proxy or a firewall answered"]
    ],
    ["a rate limit", 429, `{"message":"slow down"}`, ["answered 429 (slow down)", "Try again later"]],
    ["a wrong address", 404, "<h1>Not Found</h1>", [`${tokenUrl} answered 404. Check the token URL`]],
    ["a redirect", 302, "", ["answered 302, a redirect, which is never followed with a client secret"]],
    ["no JSON", 200, "<h1>Hello</h1>", [
      "answered 200, but with a body that is not a JSON object. Check the token URL"
    ]],
    ["an array", 200, `[${good}]`, ["answered 200, but with a body that is not a JSON object. Check the token URL"]],
    ["null", 200, "null", ["answered 200, but with a body that is not a JSON object. Check the token URL"]],
    ["nothing", 200, "", ["answered 200, but without a body. Check the token URL"]],
    ["no token", 200, "{}", ["answered 200, but it has no access_token. Check the token URL"]],
    ["an odd lifetime", 200, `{"access_token":"t","expires_in":0}`, ["but its expires_in is below one second"]],
    ["control characters", 400, JSON.stringify({ message: "a\u001b[31m\r\nb\u0085c\u2028d" }), ["(a [31m b c d)"]],
    ["a novel", 400, JSON.stringify({ message: "x".repeat(10_000) }), [`(${"x".repeat(300)}...)`]]
  ])(
    "invariant 12: its error tells what happened and what to do: %s",
    ([, status, body, sentences]) =>
      Effect.gen(function*() {
        const { message } = yield* Effect.flip(acquire(answering(body, { status })))
        for (const sentence of sentences) assert.include(message, sentence)
        assert.notInclude(message, "<")
      })
  )

  const now = Date.UTC(2030, 0, 1)
  const at = (millis: number) => new Date(now + millis).toUTCString()
  it.effect.each<[string, number | undefined]>([
    ["120", 120_000],
    [" 120 ", 120_000],
    ["0", 0],
    ["31536000", 365 * 24 * 3_600_000],
    [at(90_000), 90_000],
    [at(365 * 24 * 3_600_000), 365 * 24 * 3_600_000],
    // In the past.
    [at(-90_000), 0],
    ["soon", undefined],
    ["-5", undefined],
    ["2.128", 2_128],
    ["5, 120", 120_000],
    [new Date(now + 90_000).toISOString(), 90_000],
    ["1e3", undefined],
    ["0x10", undefined],
    ["120 seconds", undefined],
    ["", undefined],
    ["2030-13-45T99:99:99Z", undefined]
  ])("invariant 5: Retry-After %j is %s ms", ([header, expected]) =>
    Effect.gen(function*() {
      yield* TestClock.setTime(now)
      for (const status of [429, 503]) {
        const error = yield* Effect.flip(acquire(answering("", { status, headers: { "retry-after": header } })))
        if (error._tag !== "TokenEndpointUnavailable") return assert.fail(error._tag)
        assert.strictEqual(error.retryAfter === undefined ? undefined : Duration.toMillis(error.retryAfter), expected)
      }
    }))

  it.effect("invariant 5: Retry-After counts in every answer that is neither a token nor a refusal", () =>
    Effect.gen(function*() {
      for (const status of [200, 302, 400, 401, 403, 404, 408, 500]) {
        const error = yield* Effect.flip(acquire(answering("<html>", { status, headers: { "retry-after": "30" } })))
        if (error._tag === "InvalidCredentials") return assert.fail(error._tag)
        assert.strictEqual(error.retryAfter && Duration.toMillis(error.retryAfter), 30_000, `status ${status}`)
      }
    }))

  it.effect("invariant 5: a Retry-After without end is a long one, and none is none", () =>
    Effect.gen(function*() {
      const retryAfter = (headers: HeadersInit) =>
        Effect.map(Effect.flip(acquire(answering("", { status: 429, headers }))), (error) => {
          if (error._tag !== "TokenEndpointUnavailable") return assert.fail(error._tag)
          return error.retryAfter
        })
      const long = yield* retryAfter({ "retry-after": "9".repeat(400) })
      assert.isTrue(long !== undefined && Duration.greaterThan(long, Duration.days(365)))
      assert.isUndefined(yield* retryAfter({}))
    }))

  it.effect("invariant 5: a Retry-After that is a date counts from the answer", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(now)
      const init = { status: 429, headers: { "retry-after": at(10_000) } }
      const api = server(() => Effect.as(Effect.sleep("4 seconds"), new Response("", init)))
      const fiber = yield* Effect.fork(Effect.flip(acquire(api)))
      yield* TestClock.adjust("4 seconds")
      const error = yield* Fiber.join(fiber)
      if (error._tag !== "TokenEndpointUnavailable") return assert.fail(error._tag)
      assert.strictEqual(Duration.toMillis(error.retryAfter!), 6000)
    }))
})

describe("the size of the answer", () => {
  const padded = (size: number) => good + " ".repeat(size - good.length)

  /** A body that comes in pieces, and how many of them were taken. */
  const pieces = (piece: Uint8Array<ArrayBuffer>) => {
    const seen = { pulled: 0, cancelled: false }
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        seen.pulled += 1
        controller.enqueue(piece)
      },
      cancel() {
        seen.cancelled = true
      }
    }, { highWaterMark: 0 })
    return { seen, body }
  }

  it.effect("invariant 12: up to 65 536 bytes it is read, one more is too many", () =>
    Effect.gen(function*() {
      const token = yield* acquire(answering(padded(65_536)))
      assert.strictEqual(Redacted.value(token.value), "t0ken")
      const error = yield* Effect.flip(acquire(answering(padded(65_537))))
      assert.strictEqual(error._tag, "MalformedTokenResponse")
      assert.include(error.message, "answered 200, but with more than 65536 bytes")
    }))

  it.effect("invariant 12: the limit can be set, and counts bytes", () =>
    Effect.gen(function*() {
      const body = JSON.stringify({ access_token: "t", note: "é" })
      const size = body.length + 1
      assert.strictEqual(Redacted.value((yield* acquire(answering(body), { maxBodySize: size })).value), "t")
      const error = yield* Effect.flip(acquire(answering(body), { maxBodySize: size - 1 }))
      assert.include(error.message, `with more than ${size - 1} bytes`)
    }))

  it.effect("invariant 12: an endless answer is left, not read on", () =>
    Effect.gen(function*() {
      const { body, seen } = pieces(new Uint8Array(1024).fill(0x20))
      const error = yield* Effect.flip(acquire(answering(body)))
      assert.strictEqual(error._tag, "MalformedTokenResponse")
      assert.isTrue(seen.cancelled)
      assert.isAtLeast(seen.pulled, 65)
      assert.isAtMost(seen.pulled, 67)
    }))

  it.effect.each(
    [
      [200, "MalformedTokenResponse"],
      [302, "MalformedTokenResponse"],
      [401, "TokenEndpointUnavailable"],
      [404, "MalformedTokenResponse"],
      [429, "TokenEndpointUnavailable"],
      [503, "TokenEndpointUnavailable"]
    ] as const
  )("invariant 12: an endless answer of the status %d is %s", ([status, tag]) =>
    Effect.gen(function*() {
      const { body, seen } = pieces(new Uint8Array(65_537))
      const error = yield* Effect.flip(acquire(answering(body, { status })))
      assert.strictEqual(error._tag, tag)
      assert.strictEqual(error.status, status)
      assert.isTrue(seen.cancelled)
    }))
})

describe("the time of the answer", () => {
  /** Runs out of time after exactly so long, and not before. */
  const timesOut = (
    api: { readonly httpClient: HttpClient.HttpClient },
    options: TokenEndpoint.Options,
    seconds: number
  ) =>
    Effect.gen(function*() {
      const fiber = yield* Effect.fork(Effect.flip(acquire(api, options)))
      yield* TestClock.adjust(Duration.millis(seconds * 1000 - 1))
      assert.isNull(fiber.unsafePoll())
      yield* TestClock.adjust("1 millis")
      const error = yield* Fiber.join(fiber)
      assert.deepStrictEqual(meaning(error), {
        tag: "TokenEndpointUnavailable",
        reason: "Timeout",
        status: undefined,
        code: undefined,
        debugIdentifier: undefined
      })
      assert.include(error.message, `No complete answer from ${tokenUrl} within ${seconds}s`)
    })

  it.effect.each<[string, TokenEndpoint.Options, number]>([
    ["by default", {}, 10],
    ["as set", { timeout: "3 seconds" }, 3]
  ])("invariant 12: an answer that never comes is given up: %s", ([, options, seconds]) =>
    Effect.gen(function*() {
      const signals: Array<AbortSignal> = []
      const api = server((_, signal) => {
        signals.push(signal)
        return Effect.never
      })
      yield* timesOut(api, options, seconds)
      // Invariant 11: nothing is left behind.
      assert.deepStrictEqual(signals.map((signal) => signal.aborted), [true])
    }))

  it.effect("invariant 12: a body that never ends is given up and its connection closed", () =>
    Effect.gen(function*() {
      let cancelled = false
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new TextEncoder().encode(good)),
        cancel: () => {
          cancelled = true
        }
      })
      yield* timesOut(answering(body), {}, 10)
      assert.isTrue(cancelled)
    }))

  it.effect("invariant 12: a body that drips is given up: the time is for the whole answer", () =>
    Effect.gen(function*() {
      const drip = Stream.repeatEffect(Effect.as(Effect.sleep("1 second"), new Uint8Array([0x20])))
      const body = yield* Stream.toReadableStreamEffect(drip)
      yield* timesOut(answering(body), {}, 10)
    }))
})

describe("a broken connection", () => {
  const fetching = (cause: unknown) =>
    Effect.provide(
      Effect.flip(Effect.flatMap(TokenEndpoint.TokenEndpoint, ({ acquire }) => acquire(client))),
      overFetch(() => Promise.reject(cause as Error))
    )

  it.effect("is told by its innermost message", () =>
    Effect.gen(function*() {
      const cause = new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED 127.0.0.1:1") })
      const error = yield* fetching(cause)
      assert.deepStrictEqual(meaning(error), {
        tag: "TokenEndpointUnavailable",
        reason: "Transport",
        status: undefined,
        code: undefined,
        debugIdentifier: undefined
      })
      assert.include(error.message, `No answer from ${tokenUrl}: connect ECONNREFUSED 127.0.0.1:1.`)
    }))

  it.effect("is told by what is inside an AggregateError, as Node makes one for a host of several addresses", () =>
    Effect.gen(function*() {
      const refused = ["127.0.0.1:1", "[::1]:1"].map((address) => new Error(`connect ECONNREFUSED ${address}`))
      const aggregate = Object.assign(new AggregateError(refused), { code: "ECONNREFUSED" })
      const error = yield* fetching(new TypeError("fetch failed", { cause: aggregate }))
      assert.include(error.message, "ECONNREFUSED")
    }))

  it.effect("invariant 12: is told where the causes go round in a circle", () =>
    Effect.gen(function*() {
      // Ends the test where the causes would be followed for ever.
      let followed = 0
      const circle = new Error("round")
      Object.defineProperty(circle, "cause", {
        get: () => {
          followed += 1
          if (followed > 1000) throw new Error("followed for ever")
          return circle
        }
      })
      const error = yield* fetching(circle)
      assert.strictEqual(meaning(error).reason, "Transport")
      assert.include(error.message, "round")
    }))

  it.effect.each<[string, unknown]>([
    ["text", "a string"],
    ["nothing", undefined],
    ["an object", { message: "an object" }]
  ])("invariant 12: is told whatever the cause is: %s", ([, cause]) =>
    Effect.gen(function*() {
      const error = yield* fetching(cause)
      assert.strictEqual(meaning(error).reason, "Transport")
      assert.include(error.message, `No answer from ${tokenUrl}: Transport.`)
    }))

  it.effect("is told when it breaks in the middle of the body", () =>
    Effect.gen(function*() {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new TextEncoder().encode(good)),
        pull: (controller) => controller.error(new Error("terminated"))
      })
      const error = yield* Effect.flip(acquire(answering(body)))
      assert.deepStrictEqual([error._tag, meaning(error).reason, error.status], [
        "TokenEndpointUnavailable",
        "Transport",
        200
      ])
      assert.include(error.message, "terminated")
    }))
})

describe("a server that echoes the secret", () => {
  const secret = `c4nary:S3CR3T %+&="\\<'x`
  const basic = "Y2xpZW50OmM0bmFyeSUzQVMzQ1IzVCslMjUlMkIlMjYlM0QlMjIlNUMlM0MlMjd4"
  const parameter = "p4rameter/S3ALED"
  const encoded = [Buffer.from(secret).toString("base64"), Buffer.from(secret).toString("hex")]
  const canaries = ["c4nary", "S3CR3T", "p4rameter", "S3ALED", basic, basic.slice(0, 24), ...encoded]
  const as = credentials("client", secret)
  const parameters = { assertion: Redacted.make(parameter) }

  const forms: Record<string, string> = {
    raw: secret,
    "percent-encoded": encodeURIComponent(secret),
    "form-encoded": new URLSearchParams({ s: secret }).toString().slice(2),
    "in JSON": JSON.stringify({ client_secret: secret }),
    "in the form that was sent": new URLSearchParams({ client_id: "client", client_secret: secret }).toString(),
    "as HTTP basic": `Basic ${basic}`,
    "as HTTP basic, percent-encoded": encodeURIComponent(`Basic ${basic}`),
    "in Base64 and in hexadecimal": encoded.join(" "),
    "the redacted parameter": parameter,
    "the redacted parameter, percent-encoded": encodeURIComponent(parameter),
    "at the end of what is shown": "x".repeat(292) + secret,
    "many times": `${secret}${secret} `.repeat(20),
    // What other libraries write: lower-case hexadecimal (.NET), what a URL keeps, escapes, entities.
    "percent-encoded in lower case": encodeURIComponent(secret).replaceAll(/%../g, (octet) => octet.toLowerCase()),
    "percent-encoded as part of a URL": encodeURI(secret),
    "in JSON as Go writes it": JSON.stringify({ client_secret: secret }).replaceAll("&", "\\u0026")
      .replaceAll("<", "\\u003c"),
    "escaped for HTML": secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("\"", "&quot;")
      .replaceAll("'", "&#39;")
  }

  const answers = (echo: string): Record<string, BodyInit> => ({
    error: JSON.stringify({ error: echo }),
    error_description: JSON.stringify({ error: "invalid_client", error_description: `bad secret ${echo}` }),
    errorMessages: JSON.stringify({ errorMessages: [{ errorCode: echo, message: echo, errorDetail: echo }] }),
    errorDetail: JSON.stringify({ errorMessages: [{ errorDetail: echo }] }),
    message: JSON.stringify({ message: echo }),
    debugIdentifier: JSON.stringify({ debugIdentifier: echo }),
    token: JSON.stringify({ access_token: echo, token_type: echo, expires_in: echo, scope: echo }),
    HTML: `<h1>Bad request</h1><pre>${echo}</pre>`
  })

  it.effect.each(Object.entries(forms))(
    "invariant 9: does not get it into an error: %s",
    ([, echo]) =>
      Effect.gen(function*() {
        for (const clientAuthentication of ["body", "basic"] as const) {
          for (const body of Object.values(answers(echo))) {
            for (const status of [200, 302, 400, 401, 404, 429, 503]) {
              const api = answering(body, { status, headers: { "www-authenticate": "Basic", "x-echo": "x" } })
              const error = yield* Effect.flip(acquire(api, { clientAuthentication, parameters }, as))
              assertHidden(error, canaries)
            }
          }
        }
      })
  )

  it.effect.each(Object.entries(forms))(
    "invariant 9: does not get it into a transport error: %s",
    ([, echo]) =>
      Effect.gen(function*() {
        const api = server((request) =>
          Effect.fail(
            new HttpClientError.RequestError({
              request,
              reason: "Transport",
              description: echo,
              cause: new TypeError(`fetch failed ${echo}`, { cause: new Error(`bad header: ${echo}`) })
            })
          )
        )
        for (const clientAuthentication of ["body", "basic"] as const) {
          assertHidden(yield* Effect.flip(acquire(api, { clientAuthentication, parameters }, as)), canaries)
        }
      })
  )

  it("the expectation of the basic header is the one that is sent", async () => {
    const api = answering(good)
    await Effect.runPromise(acquire(api, { clientAuthentication: "basic" }, as))
    assert.strictEqual(api.requests[0]!.headers["authorization"], `Basic ${basic}`)
  })

  it.effect("invariant 9: does not get a token into an error either", () =>
    Effect.gen(function*() {
      for (
        const answer of [
          { access_token: "t0ken-c4nary", token_type: "MAC" },
          { access_token: "t0ken-c4nary", expires_in: "soon" },
          { access_token: "t0ken c4nary" },
          { access_token: "t0ken-c4nary", error: "invalid_client" }
        ]
      ) {
        for (const status of [200, 401, 404, 503]) {
          const error = yield* Effect.flip(acquire(answering(JSON.stringify(answer), { status })))
          assertHidden(error, ["c4nary"])
        }
      }
    }))
})

describe("a redirect", () => {
  /** `fetch` as it is called, on the real client. */
  const fetched = (requestInit?: RequestInit) => {
    const calls: Array<{ readonly url: string; readonly init: RequestInit }> = []
    const fetch: typeof globalThis.fetch = (input, init) => {
      calls.push({ url: input instanceof Request ? input.url : String(input), init: init! })
      return Promise.resolve(
        new Response(null, { status: calls.length === 1 ? 307 : 200, headers: { location: "https://evil.example/" } })
      )
    }
    return { calls, layer: overFetch(fetch, requestInit) }
  }
  const acquisition = Effect.flip(Effect.flatMap(TokenEndpoint.TokenEndpoint, ({ acquire }) => acquire(client)))

  it.effect.each([301, 302, 303, 307, 308])("invariant 8: %d is not followed", (status) =>
    Effect.gen(function*() {
      const api = answering(null, { status, headers: { location: "https://evil.example/" } })
      const error = yield* Effect.flip(acquire(api))
      assert.strictEqual(error._tag, "MalformedTokenResponse")
      assert.strictEqual(error.status, status)
      assert.include(error.message, "a redirect, which is never followed with a client secret")
      assert.deepStrictEqual(api.requests.map(({ url }) => url), [tokenUrl])
    }))

  it.effect.each<[string, RequestInit | undefined]>([
    ["without a RequestInit", undefined],
    ["with one of the layer", { credentials: "omit", cache: "no-store" }],
    ["with one that says otherwise", { credentials: "omit", redirect: "follow", cache: "force-cache" }]
  ])(
    "invariants 8 and 9: fetch is told not to follow and not to keep: %s",
    ([, requestInit]) =>
      Effect.gen(function*() {
        const { calls, layer } = fetched(requestInit)
        const error = yield* Effect.provide(acquisition, layer)
        assert.strictEqual(error._tag, "MalformedTokenResponse")
        assert.deepStrictEqual(calls.map(({ url }) => url), [tokenUrl])
        const { init } = calls[0]!
        assert.strictEqual(init.redirect, "manual")
        assert.strictEqual(init.method, "POST")
        assert.strictEqual(init.credentials, requestInit?.credentials)
        assert.strictEqual(init.cache, "no-store")
      })
  )

  it.effect("invariant 8: nor does a RequestInit of the caller change that, which replaces that of the layer", () =>
    Effect.gen(function*() {
      const { calls, layer } = fetched({ credentials: "omit" })
      yield* acquisition.pipe(
        Effect.provideService(FetchHttpClient.RequestInit, { redirect: "follow", credentials: "include" }),
        Effect.provide(layer)
      )
      assert.deepStrictEqual(calls.map(({ init }) => [init.redirect, init.credentials]), [["manual", "include"]])
    }))
})

describe("the span", () => {
  const secret = "c4nary-S3CR3T"
  it.effect.each<[string, TokenEndpoint.Options, string, ResponseInit]>([
    ["success", {}, JSON.stringify({ access_token: "c4nary-t0ken" }), {}],
    ["success by basic", { clientAuthentication: "basic" }, JSON.stringify({ access_token: "c4nary-t0ken" }), {}],
    ["refusal", {}, JSON.stringify({ error: "invalid_client", error_description: secret }), { status: 401 }],
    ["refusal by basic", { clientAuthentication: "basic" }, JSON.stringify({ message: secret }), { status: 401 }],
    ["malformed", {}, JSON.stringify({ access_token: "c4nary t0ken" }), {}]
  ])("invariant 9: is a root span without secret or token: %s", ([, options, body, init]) =>
    Effect.gen(function*() {
      const { spans, tracer } = recordingTracer()
      yield* Effect.exit(acquire(answering(body, init), options, credentials("client", secret))).pipe(
        Effect.withSpan("caller"),
        Effect.locally(Headers.currentRedactedNames, []),
        Effect.withTracer(tracer)
      )
      const [caller, own, http, ...others] = spans
      assert.deepStrictEqual([caller?.name, own?.name, http?.kind, others], [
        "caller",
        "TokenEndpoint.acquire",
        "client",
        []
      ])
      assert.isTrue(Option.isNone(own!.parent))
      assert.notStrictEqual(own!.traceId, caller!.traceId)
      assert.strictEqual(Option.getOrThrow(http!.parent), own)
      assert.containsSubset(Object.fromEntries(own!.attributes), {
        "spotnana.environment": "production",
        "spotnana.client_id": "client",
        "url.full": tokenUrl
      })
      for (const span of [own!, http!]) {
        assert.strictEqual(span.status._tag, "Ended")
        const told = [
          inspect(span.attributes, { depth: Infinity, showHidden: true }),
          inspect(span.events, { depth: Infinity, showHidden: true }),
          inspect(span.links.map(({ attributes }) => attributes), { depth: Infinity }),
          JSON.stringify([...span.attributes]),
          span.status._tag === "Ended" && Exit.isFailure(span.status.exit) ? Cause.pretty(span.status.exit.cause) : ""
        ]
        for (const text of told) {
          assert.notInclude(text, "c4nary")
          assert.notInclude(text, Buffer.from(`client:${secret}`).toString("base64"))
        }
      }
    }))

  it.effect("invariant 9: a key in the query of the token URL is in no span, no log and no error", () =>
    Effect.gen(function*() {
      const key = "c4n4ry-k3y/+="
      const audit = makeAudit()
      const environment = (tokenUrl: string) =>
        Environment.makeUnsafe({ baseUrl: "https://api.acme.example", tokenUrl })
      const bare = `https://login.acme.example/token?${encodeURIComponent(key)}`
      const urls = [bare.replace("?", "?code="), bare, bare.replace("?", "?subscription-key=1&")]
      const failing = (message: (url: string) => string) =>
        HttpClient.make((request, url) =>
          Effect.fail(
            new HttpClientError.RequestError({ request, reason: "Transport", cause: new Error(message(url.href)) })
          )
        )
      const clients = [
        answering(good).httpClient,
        answering(null, { status: 401 }).httpClient,
        answering(JSON.stringify({ error: "invalid_client", error_description: `no key ${key}` }), { status: 401 })
          .httpClient,
        answering("<html>", { status: 500 }).httpClient,
        failing((url) => `request to ${url} failed`),
        failing(() => `no such key: ${key}`),
        HttpClient.make((_, url) => Effect.die(new Error(`request to ${url} failed`)))
      ]
      for (const url of urls) {
        for (const httpClient of clients) {
          const exit = yield* audit.run(
            Effect.exit(acquire({ httpClient }, { environment: environment(url) })).pipe(
              Effect.locally(Headers.currentRedactedNames, [])
            )
          )
          audit.add(exit)
        }
      }
      assert.include(audit.text(), "TokenEndpoint.acquire")
      assert.include(audit.text(), "https://login.acme.example/token")
      assert.deepStrictEqual(audit.search([key]), [])
    }))

  it.effect("there is none where there is no request", () =>
    Effect.gen(function*() {
      const { spans, tracer } = recordingTracer()
      yield* Effect.exit(acquire(answering(good), {}, credentials("client", ""))).pipe(Effect.withTracer(tracer))
      assert.deepStrictEqual(spans, [])
    }))
})
