import { Fault } from "@effect-spotnana/testing"
import { describe, expect, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { once } from "node:events"
import * as Net from "node:net"
import * as Os from "node:os"
import { clientId, clientSecret, Spotnana, start, variables } from "./support/cli.ts"
import { Proxied, proxied, read, said } from "./support/proxy.ts"

/** What comes back for what no client library would send. */
const raw = (port: number, request: string) =>
  Effect.promise(async () => {
    const socket = Net.connect(port, "127.0.0.1")
    socket.write(request)
    let text = ""
    for await (const chunk of socket) text += String(chunk)
    return text
  })

/** The addresses under which other machines reach this one. */
const externalAddresses = (): ReadonlyArray<string> =>
  Object.values(Os.networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).filter(({ address, internal }) => !internal && !address.startsWith("fe80")).map((_) => _.address)
  )

layer(proxied(), { excludeTestServices: true, timeout: "30 seconds" })("who may use the proxy", (it) => {
  it.effect("no web page, whatever it tries", () =>
    Effect.gen(function*() {
      const { call, mock, port } = yield* Proxied
      for (
        const headers of [
          { "Origin": "https://evil.example" },
          { "Origin": "null" },
          { "Origin": "" },
          { "Origin": `http://127.0.0.1:${port}`, "Sec-Fetch-Site": "same-origin" },
          { "Sec-Fetch-Site": "cross-site" },
          { "Sec-Fetch-Site": "same-site" },
          { "Sec-Fetch-Site": "same-origin" }
        ]
      ) {
        for (const method of ["GET", "POST", "OPTIONS"]) {
          const answer = yield* call({
            method,
            path: "/v2/companies",
            headers: { ...headers, "Access-Control-Request-Method": "POST" }
          })
          expect([method, headers, answer.status, said(answer).code]).toEqual([method, headers, 403, "WEB_PAGE"])
          expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control"))).toEqual([])
          expect(answer.headers["proxy-status"]).toBe("spotnana-auth; error=http_request_denied")
        }
      }
      expect(yield* mock.apiRequests).toBe(0)
    }))

  it.effect("its user, who types the address, and a program", () =>
    Effect.gen(function*() {
      const { call } = yield* Proxied
      const typed = { "Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate" }
      expect((yield* call({ path: "/v2/companies", headers: typed })).status).toBe(200)
      // `fetch` of Node says that much.
      expect((yield* call({ path: "/v2/companies", headers: { "Sec-Fetch-Mode": "cors" } })).status).toBe(200)
    }))

  it.effect("who calls it by a name of this machine, and no other: one that leads here may be anybody's", () =>
    Effect.gen(function*() {
      const { call, mock, port } = yield* Proxied
      for (const name of ["127.0.0.1", "localhost", "[::1]", "LocalHost"]) {
        expect((yield* call({ path: "/v2/companies", headers: { Host: `${name}:${port}` } })).status).toBe(200)
      }
      const before = yield* mock.apiRequests
      const others = [
        `evil.example:${port}`,
        "localhost",
        `localhost:${port + 1}`,
        `localhost.evil.example:${port}`,
        `127.0.0.1.nip.io:${port}`,
        `127.0.0.2:${port}`,
        `0.0.0.0:${port}`,
        `user@localhost:${port}`
      ]
      for (const host of others) {
        const answer = yield* call({ path: "/v2/companies", headers: { Host: host } })
        expect([host, answer.status, said(answer).code]).toEqual([host, 421, "MISDIRECTED_REQUEST"])
      }
      expect(yield* raw(port, "GET /v2/companies HTTP/1.0\r\n\r\n")).toMatch(/^HTTP\/1.1 421 /)
      expect(yield* mock.apiRequests).toBe(before)
    }))

  it.effect("nobody as a way to anywhere else", () =>
    Effect.gen(function*() {
      const { call, mock, port } = yield* Proxied
      const head = `Host: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`
      const before = yield* mock.apiRequests
      expect(yield* raw(port, `CONNECT api.spotnana.com:443 HTTP/1.1\r\n${head}`)).toBe("")
      expect(yield* raw(port, `GET http://evil.example/v2/companies HTTP/1.1\r\n${head}`)).toMatch(/^HTTP\/1.1 421 /)
      expect(yield* raw(port, `GET ftp://127.0.0.1:${port}/ HTTP/1.1\r\n${head}`)).toMatch(/^HTTP\/1.1 400 /)
      expect(yield* raw(port, `OPTIONS * HTTP/1.1\r\n${head}`)).toMatch(/^HTTP\/1.1 400 /)
      expect(yield* mock.apiRequests).toBe(before)
      const own = `GET http://localhost:${port}/v2/companies?limit=1 HTTP/1.1\r\n${head}`
      expect(yield* raw(port, own)).toMatch(/^HTTP\/1.1 200 /)
      // These are paths of the API, and a host of nobody's.
      for (const path of ["//evil.example/v2", "/@evil.example", "/\\evil.example"]) {
        expect((yield* call({ path })).status).toBe(404)
      }
      expect((yield* mock.ledger).slice(-3).map(({ path }) => path)).toEqual([
        "//evil.example/v2",
        "/@evil.example",
        "//evil.example"
      ])
    }))

  it.effect("nobody out of the configured address, by dots in any spelling", () =>
    Effect.gen(function*() {
      const { call, mock } = yield* Proxied
      const before = yield* mock.apiRequests
      for (
        const path of [
          "/../admin",
          "/..//evil.example",
          "/v2/..",
          "/v2/./x",
          "/%2e%2E/admin",
          "/v2/..\\admin",
          "/..%2fadmin",
          "/..%5cadmin",
          "/..;/admin",
          "/..;x=1/admin",
          "/.%09./admin",
          "/%252e%252e/admin",
          "/..%252fadmin",
          "/..%c0%afadmin"
        ]
      ) {
        const answer = yield* call({ path })
        expect([path, answer.status, said(answer).message]).toEqual([
          path,
          400,
          expect.stringContaining("segment . or ..")
        ])
      }
      expect(yield* mock.apiRequests).toBe(before)
      expect((yield* call({ path: "/v2/companies?limit=1&next=/../x" })).status).toBe(200)
    }))

  it.effect("nobody with a WebSocket, who is told so, and can go on with requests", () =>
    Effect.gen(function*() {
      const { call, mock } = yield* Proxied
      const before = yield* mock.apiRequests
      const handshake = { "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==" }
      for (const protocol of ["websocket", "WebSocket", "h2c, other/1"]) {
        const headers = { Connection: "Upgrade", Upgrade: protocol, ...handshake }
        const answer = yield* call({ path: "/v2/events", headers })
        expect([protocol, answer.status, said(answer).message]).toEqual([
          protocol,
          501,
          expect.stringContaining("does not forward WebSockets")
        ])
      }
      expect(yield* mock.apiRequests).toBe(before)
      expect((yield* call({ path: "/v2/companies" })).status).toBe(200)
    }))

  it.effect("nobody with a transfer coding that would get lost on the way", () =>
    Effect.gen(function*() {
      const { mock, port } = yield* Proxied
      const before = yield* mock.apiRequests
      for (const coding of ["gzip, chunked", "x-unknown,chunked"]) {
        const text = yield* raw(
          port,
          `POST /v2/echo HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\nTransfer-Encoding: ${coding}\r\n\r\n3\r\nabc\r\n0\r\n\r\n`
        )
        expect([coding, text]).toEqual([
          coding,
          expect.stringMatching(/^HTTP\/1\.1 501 [^]+only the transfer coding chunked/)
        ])
      }
      expect(yield* mock.apiRequests).toBe(before)
    }))

  it.effect("nobody to see the token: what was sent is not sent back", () =>
    Effect.gen(function*() {
      const { call, mock } = yield* Proxied
      const before = yield* mock.apiRequests
      const answer = yield* call({ method: "TRACE", path: "/v2/companies" })
      expect([answer.status, said(answer).code]).toEqual([405, "METHOD_NOT_ALLOWED"])
      expect(yield* mock.apiRequests).toBe(before)
    }))

  it.effect("nobody with an Authorization of another kind, who is told why", () =>
    Effect.gen(function*() {
      const { call, mock } = yield* Proxied
      const before = yield* mock.apiRequests
      const answer = yield* call({ path: "/v2/companies", headers: { Authorization: "Bearer somebody-else's" } })
      expect([answer.status, said(answer).message]).toEqual([400, expect.stringMatching(/Leave it out.+--require-key/)])
      expect(yield* mock.apiRequests).toBe(before)
    }))

  it.effect("nobody on another machine", () =>
    Effect.gen(function*() {
      const { port } = yield* Proxied
      for (const host of [...externalAddresses(), "127.0.0.2"]) {
        const [error] = yield* Effect.promise(() => once(Net.connect(port, host), "error"))
        expect(error.code).toMatch(/ECONNREFUSED|EADDRNOTAVAIL|EINVAL/)
      }
    }))

  it.effect("a refusal comes before the body is asked for", () =>
    Effect.gen(function*() {
      const proxy = yield* Proxied
      const [answer, isAskedFor] = yield* Effect.promise(async () => {
        let isAskedFor = false
        const request = proxy.begin({
          method: "POST",
          path: "/v2/echo",
          headers: { "Origin": "https://evil.example", "Expect": "100-continue", "Content-Length": "5" }
        })
        request.on("continue", () => {
          isAskedFor = true
        })
        request.on("error", () => {})
        request.flushHeaders()
        const [response] = await once(request, "response")
        const answer = await read(response)
        request.destroy()
        return [answer, isAskedFor] as const
      })
      expect([answer.status, isAskedFor]).toEqual([403, false])
    }))
})

const key = "k3y-that-nobody-guesses"

layer(proxied(["--require-key"], { env: { SPOTNANA_PROXY_KEY: key } }), {
  excludeTestServices: true,
  timeout: "30 seconds"
})(
  "a proxy that wants its key",
  (it) => {
    it.effect("lets in who has it, and does not hand it on", () =>
      Effect.gen(function*() {
        const { call, mock, running } = yield* Proxied
        for (const authorization of [`Bearer ${key}`, `bearer  ${key}`]) {
          expect((yield* call({ path: "/v2/companies", headers: { authorization } })).status).toBe(200)
        }
        expect(JSON.stringify((yield* mock.ledger).map(({ headers }) => ({ ...headers })))).not.toContain(key)
        expect(running.stdout() + running.stderr()).not.toContain(key)
      }))

    it.effect("and nobody else", () =>
      Effect.gen(function*() {
        const { call, mock } = yield* Proxied
        const before = yield* mock.apiRequests
        for (const authorization of [undefined, "Bearer wrong", `Bearer ${key}x`, key, `Basic ${key}`, "Bearer "]) {
          const answer = yield* call({ path: "/v2/companies", headers: { ...(authorization && { authorization }) } })
          expect([authorization, answer.status, said(answer).code]).toEqual([authorization, 401, "KEY_REQUIRED"])
          expect(answer.headers["www-authenticate"]).toBe("Bearer realm=\"spotnana-auth proxy\"")
        }
        expect(yield* mock.apiRequests).toBe(before)
      }))
  }
)

const others = ["--address", "0.0.0.0", "--allow-host", "spotnana-proxy", "--allow-host", "gateway:80"]

layer(proxied(others, { env: { SPOTNANA_PROXY_KEY: key } }), { excludeTestServices: true, timeout: "30 seconds" })(
  "a proxy for other containers",
  (it) => {
    const authorization = `Bearer ${key}`

    it.effect("answers to the names that were allowed, and to those of its own machine", () =>
      Effect.gen(function*() {
        const { call, mock, port } = yield* Proxied
        for (
          const host of [
            `spotnana-proxy:${port}`,
            `Spotnana-Proxy:${port}`,
            "gateway",
            "gateway:80",
            `localhost:${port}`
          ]
        ) {
          const answer = yield* call({ path: "/v2/companies", headers: { Host: host, authorization } })
          expect([host, answer.status]).toEqual([host, 200])
        }
        const before = yield* mock.apiRequests
        for (const host of ["spotnana-proxy", `gateway:${port}`, `evil.example:${port}`, `0.0.0.0:${port}`]) {
          const answer = yield* call({ path: "/v2/companies", headers: { Host: host, authorization } })
          expect([host, answer.status, said(answer).message]).toEqual([
            host,
            421,
            expect.stringMatching(/spotnana-proxy:.+--allow-host/)
          ])
        }
        expect(yield* mock.apiRequests).toBe(before)
      }))

    it.effect("wants its key, though --require-key was not given", () =>
      Effect.gen(function*() {
        const { call, port } = yield* Proxied
        const answer = yield* call({ path: "/v2/companies", headers: { Host: `spotnana-proxy:${port}` } })
        expect([answer.status, said(answer).code]).toEqual([401, "KEY_REQUIRED"])
      }))

    it.effect("is reached from other machines", () =>
      Effect.gen(function*() {
        const { port } = yield* Proxied
        for (const address of externalAddresses().filter(Net.isIPv4)) {
          const socket = Net.connect(port, address)
          yield* Effect.promise(() => once(socket, "connect"))
          socket.destroy()
        }
      }))
  }
)

layer(proxied(["--require-key"], { env: { SPOTNANA_PROXY_KEY: key } }), {
  excludeTestServices: true,
  timeout: "30 seconds"
})(
  "the health of a proxy",
  (it) => {
    const path = "/.spotnana-auth/health"

    it.effect("is for anybody: without a key, under any name, and without a line or a request to the API", () =>
      Effect.gen(function*() {
        const { call, mock, port, running } = yield* Proxied
        yield* call({ path: "/v2/companies", headers: { authorization: `Bearer ${key}` } })
        const before = yield* mock.apiRequests
        for (const headers of [{}, { Host: "10.1.2.3:80" }, { Authorization: "Bearer wrong" }]) {
          for (const method of ["GET", "HEAD"]) {
            const answer = yield* call({ method, path: `${path}?verbose`, headers })
            expect([answer.status, String(answer.body)]).toEqual([
              200,
              method === "HEAD" ? "" : "{\"token\":\"valid\"}"
            ])
            expect(answer.headers["cache-control"]).toBe("no-store")
          }
        }
        expect(yield* raw(port, `GET ${path} HTTP/1.0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200 /)
        expect(yield* mock.apiRequests).toBe(before)
        expect(running.stderr()).not.toContain("health")
      }))

    it.effect("has a path that is never forwarded, and neither is any beside it", () =>
      Effect.gen(function*() {
        const { call, mock } = yield* Proxied
        const before = yield* mock.apiRequests
        for (
          const [method, own] of [["POST", path], ["GET", `${path}/x`], ["GET", "/.spotnana-auth"], [
            "GET",
            "/.spotnana-auth?x"
          ]] as const
        ) {
          expect((yield* call({ method, path: own })).status).toBe(401)
          const answer = yield* call({ method, path: own, headers: { authorization: `Bearer ${key}` } })
          expect([method, own, answer.status, said(answer).code]).toEqual([method, own, 404, "NOT_FOUND"])
        }
        expect(yield* mock.apiRequests).toBe(before)
      }))
  }
)

describe("spotnana-auth proxy", () => {
  const credentials = { SPOTNANA_CLIENT_ID: clientId, SPOTNANA_CLIENT_SECRET: clientSecret }

  it.live.each(
    [
      [
        { SPOTNANA_PROXY_KEY: undefined },
        /--require-key requires a key, and SPOTNANA_PROXY_KEY is not set; .+\nexport SPOTNANA_PROXY_KEY=/
      ],
      [{ SPOTNANA_PROXY_KEY: "short" }, /SPOTNANA_PROXY_KEY is no key; at least 16 /],
      [{ SPOTNANA_PROXY_KEY: "has spaces in between" }, /SPOTNANA_PROXY_KEY is no key; at least 16 /]
    ] as const
  )("does not run with a key that is none: %j", ([env, message]) =>
    Effect.gen(function*() {
      const running = yield* start(["proxy", "--port", "0", "--require-key"], { ...credentials, ...env })
      expect([yield* running.end, running.stdout(), running.stderr()]).toEqual([2, "", expect.stringMatching(message)])
      if (env.SPOTNANA_PROXY_KEY !== undefined) expect(running.stderr()).not.toContain(env.SPOTNANA_PROXY_KEY)
    }))

  it.live.each<readonly [string, ReadonlyArray<string>]>([
    ["--address 0.0.0.0", ["--address", "0.0.0.0", "--allow-host", "spotnana-proxy"]],
    ["--allow-host dev.example", ["--allow-host", "app.localhost", "--allow-host", "dev.example"]]
  ])("does not run without a key that %s requires", ([flag, flags]) =>
    Effect.gen(function*() {
      const running = yield* start(["proxy", "--port", "0", ...flags], credentials)
      expect([yield* running.end, running.stdout(), running.stderr()]).toEqual([
        2,
        "",
        expect.stringContaining(`error: ${flag} requires a key, and SPOTNANA_PROXY_KEY is not set; `)
      ])
    }))

  it.live("says so where an address is none of this machine's", () =>
    Effect.gen(function*() {
      const env = { ...credentials, SPOTNANA_PROXY_KEY: key }
      const running = yield* start(["proxy", "--port", "0", "--address", "192.0.2.1"], env)
      expect([yield* running.end, running.stderr()]).toEqual([
        2,
        "error: 192.0.2.1 is not an address of this machine.\n"
      ])
    }))

  it.live("is not healthy without a token, and says why", () =>
    Effect.gen(function*() {
      const { call, mock, running } = yield* Proxied
      yield* running.match(/answered 401/)
      const requested = yield* mock.tokenRequests
      const answer = yield* call({ path: "/.spotnana-auth/health" })
      expect([answer.status, said(answer)]).toEqual([503, { code: "NO_TOKEN", message: "No token is in use: failed." }])
      expect(yield* mock.tokenRequests).toBe(requested)
    }).pipe(Effect.provide(proxied([], {
      before: (mock) =>
        mock.inject("token", Fault.status(401, { body: { error: "invalid_client" } }), { times: Infinity })
    }))))

  it.live("makes a key with the command that it names", () =>
    Effect.gen(function*() {
      const running = yield* start(["proxy", "--port", "0", "--require-key"], credentials)
      yield* running.end
      const [, command = ""] = /\$\((.+)\)"/.exec(running.stderr()) ?? []
      const [, script = ""] = /^node -p '(.+)'$/.exec(command) ?? []
      expect(spawnSync(process.execPath, ["-p", script], { encoding: "utf8" }).stdout).toMatch(/^[\w-]{32}\n$/)
    }))

  it.live("does not run in front of itself", () =>
    Effect.gen(function*() {
      for (const host of ["127.0.0.1", "localhost", "[::1]"]) {
        const env = { ...credentials, SPOTNANA_BASE_URL: `http://${host}:7768` }
        const running = yield* start(["proxy"], env)
        expect([yield* running.end, running.stderr()]).toEqual([2, expect.stringContaining("this proxy itself")])
      }
    }))

  /** Takes a port of one address. Fails if somebody has it at the other one. */
  const takeOne = (host: string, other: string) =>
    Effect.gen(function*() {
      const taken = Net.createServer().listen(0, host)
      yield* Effect.promise(() => once(taken, "listening"))
      const { port } = taken.address() as Net.AddressInfo
      const probe = Net.createServer().listen(port, other)
      yield* Effect.tryPromise(() => once(probe, "listening")).pipe(
        Effect.onError(() => Effect.sync(() => taken.close()))
      )
      yield* Effect.promise(() => once(probe.close(), "close"))
      return { port, taken }
    })

  it.live("says what to do where it cannot listen, also where somebody has the other address of the same port", () =>
    Effect.gen(function*() {
      for (const [host, other] of [["127.0.0.1", "::1"], ["::1", "127.0.0.1"]] as const) {
        const { port, taken } = yield* Effect.eventually(takeOne(host, other))
        const running = yield* start(["proxy", "--port", String(port)], { ...credentials, ...yield* variables })
        expect([yield* running.end, running.stdout(), running.stderr()]).toEqual([
          2,
          "",
          `error: Another program listens on port ${port} of ${host}. Name another port with --port; 0 chooses a free one.\n`
        ])
        taken.close()
      }
    }).pipe(Effect.provide(Spotnana)))
})
