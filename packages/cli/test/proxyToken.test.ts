import { Fault } from "@effect-spotnana/testing"
import { describe, expect, it, layer } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { once } from "node:events"
import { disguises } from "../../core/test/support/audit.ts"
import { clientSecret } from "./support/cli.ts"
import { Proxied, proxied, said } from "./support/proxy.ts"

/** Forgets what was asked for, and makes sure that there is a token. */
const warm = Effect.gen(function*() {
  const { call, mock } = yield* Proxied
  yield* call({ path: "/v2/companies" })
  yield* mock.clearLedger
})

layer(proxied(), { excludeTestServices: true, timeout: "30 seconds" })("the proxy's token", (it) => {
  it.effect("is requested once for all who come at the same time", () =>
    Effect.gen(function*() {
      const { call, mock } = yield* Proxied
      const answers = yield* Effect.forEach(
        Array.from({ length: 50 }),
        () => call({ path: "/v2/companies?limit=1" }),
        { concurrency: "unbounded" }
      )
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200))
      expect([yield* mock.tokenRequests, yield* mock.apiRequests]).toEqual([1, 50])
    }))

  it.effect("is replaced when it is revoked in the middle, and nobody notices", () =>
    Effect.gen(function*() {
      const { call, mock } = yield* Proxied
      yield* warm
      yield* mock.revokeTokens
      const json = { "Content-Type": "application/json" }
      const answers = yield* Effect.all([
        call({ path: "/v2/companies?limit=1" }),
        call({ method: "POST", path: "/v2/echo", body: "with a length", headers: { ...json, "Content-Length": 13 } }),
        call({ method: "POST", path: "/v2/echo", body: "chunked", headers: json })
      ], { concurrency: "unbounded" })
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
      expect(answers.slice(1).map(({ body }) => String(body))).toEqual(["with a length", "chunked"])
      expect([yield* mock.tokenRequests, yield* mock.apiRequests]).toEqual([1, 6])
    }))

  it.effect("is replaced for the next request, where this one is too large to be repeated", () =>
    Effect.gen(function*() {
      const { call, mock } = yield* Proxied
      const limit = 1024 * 1024
      const post = (length: number, headers: Record<string, string | number>) =>
        call({ method: "POST", path: "/v2/echo", body: new Uint8Array(length), headers })
      for (
        const framing of [
          (length: number) => ({ "Content-Length": length }),
          () => ({ "Transfer-Encoding": "chunked" })
        ]
      ) {
        yield* warm
        yield* mock.revokeTokens
        expect((yield* post(limit, framing(limit))).status).toBe(200)
        yield* mock.revokeTokens
        const answer = yield* post(limit + 1, framing(limit + 1))
        expect([answer.status, answer.headers["retry-after"], said(answer)]).toEqual([
          503,
          "0",
          { code: "TOKEN_REPLACED", message: expect.stringContaining("Make the request again") }
        ])
        const again = yield* post(limit + 1, framing(limit + 1))
        expect([again.status, again.body.length]).toEqual([200, limit + 1])
      }
    }))
})

layer(proxied(), { excludeTestServices: true, timeout: "30 seconds" })("without a token", (it) => {
  const companies = Effect.flatMap(Proxied, ({ call }) => call({ path: "/v2/companies" }))

  it.effect("the answer says what is the matter, and when to come back", () =>
    Effect.gen(function*() {
      const { mock } = yield* Proxied
      yield* warm
      const outage = Fault.status(503, { headers: { "retry-after": "30" } })
      yield* mock.inject("token", outage, { times: Infinity })
      yield* mock.revokeTokens
      const answer = yield* companies
      expect([answer.status, said(answer)]).toEqual([
        503,
        { code: "TOKEN_ENDPOINT_UNAVAILABLE", message: expect.stringContaining("answered 503") }
      ])
      expect(Number(answer.headers["retry-after"])).toBeGreaterThan(25)
      expect(answer.headers).toMatchObject({
        "cache-control": "no-store",
        "content-type": "application/json",
        "proxy-status": "spotnana-auth; error=destination_unavailable"
      })
      expect(JSON.parse(String(answer.body))).toHaveProperty("debugIdentifier")
    }))
})

describe("what the proxy answers", () => {
  const scenario = (
    fault: Fault.Fault,
    expected: { readonly status: number; readonly code: string; readonly kind: string; readonly message: RegExp }
  ) =>
    Effect.gen(function*() {
      const { call, mock } = yield* Proxied
      yield* call({ path: "/v2/companies" })
      yield* mock.inject("token", fault, { times: Infinity })
      yield* mock.revokeTokens
      const answer = yield* call({ path: "/v2/companies" })
      expect([answer.status, said(answer)]).toEqual([
        expected.status,
        { code: expected.code, message: expect.stringMatching(expected.message) }
      ])
      expect(answer.headers["proxy-status"]).toBe(`spotnana-auth; error=${expected.kind}`)
    }).pipe(Effect.provide(proxied()))

  it.live("to refused credentials: mend them", () =>
    scenario(Fault.status(401, { body: { error: "invalid_client" } }), {
      status: 502,
      code: "INVALID_CREDENTIALS",
      kind: "proxy_configuration_error",
      message: /Check the client id/
    }))

  it.live("to a token endpoint that talks nonsense: look at the address", () =>
    scenario(Fault.status(200, { body: "<html>", headers: { "content-type": "text/html" } }), {
      status: 502,
      code: "MALFORMED_TOKEN_RESPONSE",
      kind: "http_protocol_error",
      message: /JSON/
    }))

  it.live("to an API that takes no token at all", () =>
    Effect.gen(function*() {
      const { call, mock } = yield* Proxied
      yield* mock.inject("api", Fault.status(401), { times: Infinity })
      const answer = yield* call({ path: "/v2/companies" })
      expect([answer.status, said(answer)]).toEqual([
        502,
        { code: "TOKEN_REJECTED", message: expect.stringMatching(/Check that the API user may call this API/) }
      ])
      expect(JSON.parse(String(answer.body))).toHaveProperty("debugIdentifier")
    }).pipe(Effect.provide(proxied())))

  it.live("to an API that is not there, breaks off, or does not answer", () =>
    Effect.gen(function*() {
      const { api, apiUrl, call, route } = yield* Proxied
      yield* call({ path: "/v2/companies" })
      yield* route("/drop", (request) => request.socket.destroy())
      yield* route("/hang", () => {})
      const dropped = yield* call({ path: "/drop" })
      expect([dropped.status, said(dropped), dropped.headers["proxy-status"]]).toEqual([
        502,
        {
          code: "API_UNREACHABLE",
          message: expect.stringContaining("It may have handled the request. Check the network")
        },
        "spotnana-auth; error=connection_terminated"
      ])
      for (const body of ["", new Uint8Array(2_000_000), new Uint8Array(100_000_000)]) {
        const late = yield* call({ method: "POST", path: "/hang", body })
        expect([late.status, said(late), late.headers["proxy-status"]]).toEqual([
          504,
          {
            code: "API_TIMEOUT",
            message: `${apiUrl} did not answer within 300ms. It may have handled the request.`
          },
          "spotnana-auth; error=http_response_timeout"
        ])
      }
      api.closeAllConnections()
      api.close()
      const gone = yield* call({ path: "/v2/companies" })
      expect([gone.status, said(gone), gone.headers["proxy-status"]]).toEqual([
        502,
        {
          code: "API_UNREACHABLE",
          message: expect.stringMatching(/ECONNREFUSED.+ Nothing was sent\..+SPOTNANA_BASE_URL/)
        },
        "spotnana-auth; error=connection_refused"
      ])
    }).pipe(Effect.provide(proxied(["--timeout", "300ms"]))))

  const nothingSent = (code: string, message: RegExp, kind: string) =>
    Effect.gen(function*() {
      const { call, mock } = yield* Proxied
      const before = yield* mock.apiRequests
      for (const body of ["", new Uint8Array(2_000_000)]) {
        const answer = yield* call({ method: "POST", path: "/v2/echo", body })
        expect([answer.status, said(answer), answer.headers["retry-after"], answer.headers["proxy-status"]]).toEqual([
          503,
          { code, message: expect.stringMatching(message) },
          "5",
          `spotnana-auth; error=${kind}`
        ])
      }
      expect(yield* mock.apiRequests).toBe(before)
    })

  it.live("to a request that finds no turn, that nothing was sent", () =>
    Effect.gen(function*() {
      const { begin, route } = yield* Proxied
      yield* route("/endless", (_, response) => void response.write("and so on"))
      const downloads = yield* Effect.promise(() =>
        Promise.all(Array.from({ length: 64 }, async () => {
          const request = begin({ path: "/endless" }).on("error", () => {}).end()
          const [response] = await once(request, "response")
          expect(response.statusCode).toBe(200)
          return request
        }))
      )
      yield* nothingSent("TOO_MANY_REQUESTS_UNDER_WAY", /within 3s\. Nothing was sent\.$/, "connection_limit_reached")
      downloads[0]?.destroy()
      const { call } = yield* Proxied
      expect((yield* call({ path: "/v2/companies" })).status).toBe(200)
      for (const request of downloads) request.destroy()
    }).pipe(Effect.provide(proxied(["--timeout", "3s"]))))

  it.live("to a request for which there is no token, that nothing was sent", () =>
    nothingSent(
      "TOKEN_ENDPOINT_UNAVAILABLE",
      /^There was no token within 300ms\. Nothing was sent\.$/,
      "destination_unavailable"
    ).pipe(
      Effect.provide(
        proxied(["--timeout", "300ms"], { before: (mock) => mock.inject("token", Fault.hang, { times: Infinity }) })
      )
    ))

  it.live("to a request that was answered 401, and for which there is no new token, that it was not sent again", () =>
    Effect.gen(function*() {
      const { call, mock } = yield* Proxied
      expect((yield* call({ path: "/v2/companies" })).status).toBe(200)
      yield* mock.inject("token", Fault.hang, { times: Infinity })
      yield* mock.revokeTokens
      const answer = yield* call({ method: "POST", path: "/v2/echo", body: "x" })
      expect([answer.status, said(answer), answer.headers["retry-after"]]).toEqual([
        503,
        {
          code: "TOKEN_ENDPOINT_UNAVAILABLE",
          message: expect.stringMatching(/answered 401, .+ was not sent again\.$/)
        },
        "5"
      ])
    }).pipe(Effect.provide(proxied(["--timeout", "2s"]))))

  it.live("nothing of secrets and tokens, nor of what is after a question mark", () =>
    Effect.gen(function*() {
      const { call, mock, route, running } = yield* Proxied
      yield* route("/drop", (request) => request.socket.destroy())
      const answers = [
        yield* call({ path: "/v2/companies?api_key=s3cr3t-of-the-query" }),
        yield* call({ path: "/drop?api_key=s3cr3t-of-the-query" }),
        yield* call({ path: "/v2/companies", headers: { Authorization: "Bearer s3cr3t-of-the-client" } }),
        yield* call({ path: "/v2/companies", headers: { Origin: "https://evil.example" } })
      ]
      yield* mock.revokeTokens
      answers.push(yield* call({ path: "/v2/companies" }))
      yield* mock.inject("token", Fault.status(401, { body: { error: "invalid_client" } }), { times: Infinity })
      yield* mock.revokeTokens
      answers.push(yield* call({ path: "/v2/companies" }))
      yield* running.interrupt
      const tokens = (yield* mock.ledger).flatMap(({ token }) => token === undefined ? [] : [Redacted.value(token)])
      expect(new Set(tokens).size).toBe(2)
      const text = running.stdout() + running.stderr() +
        answers.map(({ body, headers }) => JSON.stringify(headers) + String(body)).join("")
      for (const hidden of [...tokens, clientSecret, "s3cr3t-of-the-query", "s3cr3t-of-the-client"]) {
        for (const disguise of disguises(hidden)) expect(text).not.toContain(disguise)
      }
      // What the library logs is between the lines about the requests.
      const lines = running.stderr().split("\n").filter((line) => /^[\d:]{8} /.test(line)).map((line) =>
        line.slice(9).replace(/\d+ ms/, "… ms")
      )
      expect(lines).toEqual([
        "200 GET /v2/companies … ms",
        "502 GET /drop … ms, API_UNREACHABLE",
        "400 GET /v2/companies … ms, BAD_REQUEST",
        "403 GET /v2/companies … ms, WEB_PAGE",
        "200 GET /v2/companies … ms",
        "502 GET /v2/companies … ms, INVALID_CREDENTIALS"
      ])
    }).pipe(Effect.provide(proxied(["--log-level", "all"]))))

  it.live("nothing about requests with --quiet", () =>
    Effect.gen(function*() {
      const { call, running } = yield* Proxied
      yield* call({ path: "/v2/companies" })
      yield* running.interrupt
      expect(running.stderr().trimEnd().split("\n").length).toBe(2)
    }).pipe(Effect.provide(proxied(["--quiet"]))))
})
