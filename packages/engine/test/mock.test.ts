// The mock of Spotnana without Effect: a state and a request give an answer. packages/testing has the tests of every route.
import type { Answer } from "@effect-spotnana/engine/mock/Answer"
import * as Fault from "@effect-spotnana/engine/mock/Fault"
import * as FaultQueue from "@effect-spotnana/engine/mock/FaultQueue"
import * as Mock from "@effect-spotnana/engine/mock/Mock"
import type { Handler } from "@effect-spotnana/engine/mock/Routes"
import * as Settings from "@effect-spotnana/engine/mock/Settings"
import * as State from "@effect-spotnana/engine/mock/State"
import { redactQuery } from "@effect-spotnana/engine/mock/Target"
import { describe, expect, it } from "@effect/vitest"

const settings: Settings.Settings = { ...Settings.defaults, tokenLifetime: 1_000, tokenLatency: 0, apiLatency: 0 }

const mockOf = () => {
  const mock = State.make<Fault.Fault>({ settings: () => settings })
  mock.registry.add("id", "secret", "")
  return mock
}

type Request = { readonly headers?: Record<string, string>; readonly body?: string; readonly at?: number }

const exchangeOf = (mock: State.Mock<Fault.Fault>, method: string, url: string, request: Request = {}) =>
  Mock.exchange(Mock.arrive(mock, url), {
    method,
    headers: request.headers ?? {},
    body: new TextEncoder().encode(request.body),
    at: request.at ?? 0,
    random: "0123"
  })

const send = (mock: State.Mock<Fault.Fault>, method: string, url: string, request?: Request): Answer =>
  Mock.answer(mock, exchangeOf(mock, method, url, request))

const jsonOf = ({ body }: Answer): unknown => JSON.parse(String(body))

const form = "grant_type=client_credentials&client_id=id&client_secret=secret"
const formHeaders = { "content-type": "application/x-www-form-urlencoded" }

const tokenOf = (mock: State.Mock<Fault.Fault>): string => {
  const answer = send(mock, "POST", "/v2/auth/oauth2-token", { headers: formHeaders, body: form })
  return (jsonOf(answer) as { readonly access_token: string }).access_token
}

describe("the mock of Spotnana", () => {
  it("issues a token of the random digits, which is accepted until it expires", () => {
    const mock = mockOf()
    const token = tokenOf(mock)
    expect(token).toMatch(/^mock-token-\d+-0123$/)
    const at = (time: number) =>
      send(mock, "GET", "/v2/companies?limit=1", { headers: { authorization: `Bearer ${token}` }, at: time }).status
    expect([at(0), at(999), at(1_000)]).toEqual([200, 200, 401])
  })

  it("gives the same answer for the same state, request and time", () => {
    const answer = () => send(mockOf(), "POST", "/v2/auth/oauth2-token", { headers: formHeaders, body: form })
    expect(answer()).toEqual(answer())
  })

  it("says who sent a request that a fault answers", () => {
    const mock = mockOf()
    const token = tokenOf(mock)
    const exchange = exchangeOf(mock, "GET", "/v2/companies", { headers: { authorization: `Bearer ${token}` } })
    Mock.identify(mock, exchange)
    expect(Mock.entry(exchange)).toMatchObject({ clientId: "id", token, endpoint: "api" })
  })

  it("finds a route by each segment of the path, and decodes parameters", () => {
    const mock = mockOf()
    const headers = { authorization: `Bearer ${tokenOf(mock)}` }
    const show: Handler = (_, __, params) => ({ status: 200, headers: {}, body: JSON.stringify(params) })
    const at = (path: string, method = "GET") =>
      Mock.answer(mock, exchangeOf(mock, method, path, { headers }), [["/v2/x/:a/y/:b", { GET: show }]])
    expect(jsonOf(at("/v2/x/1%2F2/y/3?q=4"))).toEqual({ a: "1/2", b: "3" })
    for (const path of ["/v2/x/1/y", "/v2/x/1/y/2/", "/v2/x//y/2", "//v2/x/1/y/2", "/v2/x/%/y/2", "/V2/x/1/y/2"]) {
      expect([path, at(path).status]).toEqual([path, 404])
    }
    expect(at("/v2/x/1/y/2", "PUT")).toMatchObject({ status: 405, headers: { allow: "GET" } })
  })

  it("uses faults up in their order, the given number of times", () => {
    const queue = FaultQueue.make<string>()
    queue.add("first", 2)
    queue.add("never", 0)
    queue.add("always", Infinity)
    expect([1, 2, 3, 4].map(() => queue.take())).toEqual(["first", "first", "always", "always"])
    queue.clear()
    expect(queue.take()).toBe(undefined)
  })

  it("answers a fault with its own content type and body, or with Spotnana's error body", () => {
    const html = Fault.answer(
      { _tag: "Status", status: 502, headers: { "content-type": "text/html" }, body: "<html>" },
      "d"
    )
    expect(html).toEqual({ status: 502, headers: { "content-type": "text/html" }, body: "<html>" })
    expect(jsonOf(Fault.answer({ _tag: "Status", status: 503, headers: {}, body: undefined }, "d")))
      .toMatchObject({ debugIdentifier: "d", errorMessages: [{ errorCode: "INJECTED_FAULT" }] })
    expect(Fault.answer({ _tag: "RateLimited", retryAfter: undefined }, "d").headers)
      .toEqual({ "content-type": "application/json" })
  })

  it("replaces the settings that are named, null included", () => {
    expect(Settings.merge({ a: 1, b: "x" as unknown }, { a: undefined, b: null })).toEqual({ a: 1, b: null })
    expect(Settings.announced({ expiresIn: "lifetime", tokenLifetime: Infinity })).toBe(undefined)
    expect(Settings.announced({ expiresIn: "lifetime", tokenLifetime: 1_999 })).toBe(1)
  })

  it("keeps no value of a parameter that names a secret or a token", () => {
    expect(redactQuery("a=1&client%5Fsecret=x&Token&access+token=y")).toBe(
      "a=1&client%5Fsecret=REDACTED&Token&access+token=REDACTED"
    )
  })
})
