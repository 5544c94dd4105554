import { MockSpotnana } from "@effect-spotnana/testing"
import { describe, expect, it } from "@effect/vitest"
import { ConfigProvider, Effect, Exit } from "effect"
import { once } from "node:events"
import * as Http from "node:http"
import { outboundFor } from "../src/outbound.ts"
import { configuredUser, Spotnana } from "./support/cli.ts"
import type { User } from "./support/cli.ts"
import { connectProxy } from "./support/connectProxy.ts"
import { read } from "./support/proxy.ts"
import { secured } from "./support/secured.ts"

const outbound = (address: string, env: Readonly<Record<string, string>>) =>
  outboundFor(address).pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
  )

const api = "https://api.example/gateway"
const proxy = "http://proxy.example:3128"

describe("the proxy that the environment names", () => {
  it.effect.each<readonly [string, Readonly<Record<string, string>>, string | undefined]>([
    ["nothing", {}, undefined],
    ["an empty variable", { HTTPS_PROXY: "" }, undefined],
    ["HTTPS_PROXY", { HTTPS_PROXY: proxy, HTTP_PROXY: "http://other.example" }, "HTTPS_PROXY at proxy.example:3128"],
    [
      "lower case first",
      { HTTPS_PROXY: "http://other.example", https_proxy: proxy },
      "https_proxy at proxy.example:3128"
    ],
    ["HTTP_PROXY alone", { HTTP_PROXY: proxy }, "HTTP_PROXY at proxy.example:3128"],
    ["no scheme", { HTTPS_PROXY: "proxy.example:3128" }, "HTTPS_PROXY at proxy.example:3128"],
    ["no port", { HTTPS_PROXY: "https://proxy.example" }, "HTTPS_PROXY at proxy.example:443"],
    ["an IPv6 address", { HTTPS_PROXY: "http://[fd00::1]:3128" }, "HTTPS_PROXY at [fd00::1]:3128"],
    [
      "another host in NO_PROXY",
      { HTTPS_PROXY: proxy, NO_PROXY: "example.org,xapi.example" },
      "HTTPS_PROXY at proxy.example:3128"
    ],
    [
      "another port in NO_PROXY",
      { HTTPS_PROXY: proxy, NO_PROXY: "api.example:8443" },
      "HTTPS_PROXY at proxy.example:3128"
    ],
    ["the host in NO_PROXY", { HTTPS_PROXY: proxy, NO_PROXY: "other, API.example" }, undefined],
    ["the host with its port", { HTTPS_PROXY: proxy, NO_PROXY: "api.example:443" }, undefined],
    ["the domain", { HTTPS_PROXY: proxy, no_proxy: "example" }, undefined],
    ["the domain after a dot", { HTTPS_PROXY: proxy, no_proxy: ".example" }, undefined],
    ["the domain after a star", { HTTPS_PROXY: proxy, no_proxy: "*.example" }, undefined],
    ["every host", { HTTPS_PROXY: proxy, NO_PROXY: "*" }, undefined]
  ])("is found with %s", ([, env, expected]) =>
    Effect.gen(function*() {
      const found = yield* outbound(api, env)
      expect(found && `${found.variable} at ${found.address}`).toBe(expected)
    }))

  it.effect.each(["http://127.0.0.1:4801", "https://127.9.9.9", "https://localhost:4801", "https://[::1]:4801"])(
    "invariant 8: is not used for %s, which would be another machine there",
    (address) =>
      Effect.gen(function*() {
        expect(yield* outbound(address, { HTTPS_PROXY: proxy, HTTP_PROXY: proxy })).toBeUndefined()
      })
  )

  it.effect.each(["socks5://user:c4n4ry@proxy.example", "http://", "http://user:c4n4ry%zz@proxy.example", "a b"])(
    "invariant 9: is refused without its value where it is %s",
    (value) =>
      Effect.gen(function*() {
        const exit = yield* Effect.exit(outbound(api, { HTTPS_PROXY: value }))
        expect(String(exit)).toMatch(/HTTPS_PROXY cannot be used: expected the address of an HTTP proxy/)
        expect(Exit.isFailure(exit) && String(exit)).not.toContain("c4n4ry")
      })
  )
})

const host = "api.example"

/** A Spotnana that can be reached through a proxy alone: no name server knows it. */
const behindProxy = (status?: number) =>
  Effect.gen(function*() {
    const { at, mock, port, trust, trusted, user } = yield* secured({ names: [{ type: "dns", value: host }] })
    const { address, connects } = yield* connectProxy(status === undefined ? {} : { status })
    return {
      mock,
      user,
      address,
      connects,
      target: `${host}:${port}`,
      trust,
      env: at(host).env,
      envOfProcess: trusted(host).env
    }
  })

describe("through a proxy", () => {
  it.live.each<readonly [string, string]>([
    ["https_proxy", "of the test"],
    ["HTTP_PROXY", "of their own, with NODE_USE_ENV_PROXY"]
  ])("of %s go token, request, doctor and proxy, in a process %s", ([variable, where]) =>
    Effect.gen(function*() {
      const { address, connects, env, envOfProcess, mock, target, trust, user } = yield* behindProxy()
      const isInProcess = where === "of the test"
      if (isInProcess) yield* trust
      const { run, start }: Pick<User, "run" | "start"> = isInProcess
        ? user
        : { run: user.runProcess, start: user.startProcess }
      const proxied = {
        env: {
          ...(isInProcess ? env : { ...envOfProcess, NODE_USE_ENV_PROXY: "1" }),
          [variable]: `http://me:p%40ss-c4n4ry@${address}`
        }
      }
      expect(yield* run(["token"], proxied)).toMatchObject({ code: 0, stderr: "" })
      const request = yield* run(["request", "GET", "/v2/companies?limit=1"], proxied)
      expect(request).toMatchObject({ code: 0 })
      expect(JSON.parse(request.stdout)).toMatchObject({ length: 1 })
      const doctor = yield* run(["doctor"], proxied)
      expect(doctor).toMatchObject({ code: 0, stderr: "" })
      expect(doctor.stdout).toContain(`, through the proxy ${address} of ${variable}\n`)
      expect(doctor.stdout).toContain(`It is the proxy of ${variable}, and looks up ${host}\n`)
      expect(doctor.stdout).toContain("0 faults, 0 warnings")
      expect(doctor.stdout).not.toContain("c4n4ry")
      const running = yield* start(["proxy", "--port", "0"], proxied)
      const [url] = yield* running.match(/^http:\/\/127\.0\.0\.1:\d+$/m)
      const answer = yield* Effect.promise(async () => {
        const [response] = await once(Http.get(`${url}/v2/companies?limit=1`), "response")
        return read(response)
      })
      expect(answer.status).toBe(200)
      const authorization = `Basic ${Buffer.from("me:p@ss-c4n4ry").toString("base64")}`
      expect(new Set(connects.map((connect) => JSON.stringify(connect)))).toEqual(
        new Set([JSON.stringify({ target, authorization })])
      )
      // What is for the proxy goes no further.
      for (const { headers } of yield* mock.ledger) expect(headers).not.toHaveProperty("proxy-authorization")
    }))

  it.live("goes nothing for a host in NO_PROXY, whatever Node is told", () =>
    Effect.gen(function*() {
      const { address, connects, envOfProcess, user: { runProcess } } = yield* behindProxy()
      const direct = { ...envOfProcess, HTTPS_PROXY: `http://${address}`, NO_PROXY: host, NODE_USE_ENV_PROXY: "1" }
      // No name server knows that host.
      expect(yield* runProcess(["token"], { env: direct })).toMatchObject({ code: 7 })
      expect(connects).toEqual([])
    }))

  it.live("goes nothing for this machine, whatever Node is told", () =>
    Effect.gen(function*() {
      const { runProcess } = yield* configuredUser
      const { address, connects, requests } = yield* connectProxy()
      const env = { HTTP_PROXY: `http://${address}`, HTTPS_PROXY: `http://${address}`, NODE_USE_ENV_PROXY: "1" }
      expect(yield* runProcess(["request", "GET", "/v2/companies"], { env })).toMatchObject({ code: 0 })
      expect(yield* runProcess(["doctor"], { env })).toMatchObject({ code: 0 })
      expect([...connects, ...requests]).toEqual([])
      expect(yield* MockSpotnana.MockSpotnana.use(({ tokenRequests }) => tokenRequests)).toBe(2)
    }).pipe(Effect.provide(Spotnana)))

  it.live.each(
    [[407, /needs a user name and a password: HTTPS_PROXY=http:\/\/user:password@/], [
      403,
      /to allow api\.example:\d+\./
    ]] as const
  )(
    "that answers %d is said by doctor, with what to do, and what builds upon it is skipped",
    ([status, advice]) =>
      Effect.gen(function*() {
        const { address, env, target, user: { run } } = yield* behindProxy(status)
        const { code, stdout } = yield* run(["doctor"], { env: { ...env, HTTPS_PROXY: `http://me:c4n4ry@${address}` } })
        expect(code).toBe(1)
        expect(stdout).toContain(
          `the proxy ${address} of HTTPS_PROXY refused a connection to ${target}: it answered ${status}\n`
        )
        expect(stdout).toMatch(advice)
        expect(stdout).toContain("1 fault, 0 warnings")
        expect(stdout).not.toContain("c4n4ry")
        const { code: unavailable, stderr } = yield* run(["token"], {
          env: { ...env, HTTPS_PROXY: `http://${address}` }
        })
        expect(unavailable).toBe(7)
        expect(stderr).toContain(`the proxy ${address} answered ${status} instead of opening a connection`)
      })
  )

  it.live("shows the certificate that the API has, and sends nothing where it is not trusted", () =>
    Effect.gen(function*() {
      const { address, env, mock, user: { run } } = yield* behindProxy()
      const { stdout } = yield* run(["doctor"], {
        env: { ...env, HTTPS_PROXY: `http://${address}` }
      })
      expect(stdout).toContain(
        `the certificate of ${host} is signed by localhost, which this machine does not trust`
      )
      expect(stdout).toContain("NODE_EXTRA_CA_CERTS")
      expect(yield* mock.ledger).toEqual([])
    }))
})
