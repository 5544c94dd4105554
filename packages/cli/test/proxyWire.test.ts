import { MockSpotnana } from "@effect-spotnana/testing"
import { expect, layer } from "@effect/vitest"
import { Effect } from "effect"
import { once } from "node:events"
import * as Http from "node:http"
import * as Net from "node:net"
import { gunzipSync, gzipSync } from "node:zlib"
import { Proxied, proxied, read, said } from "./support/proxy.ts"

/** What a request looked like when it arrived, as JSON. */
const mirror = async (request: Http.IncomingMessage, response: Http.ServerResponse): Promise<void> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const { headers, method, url } = request
  response.setHeader("content-type", "application/json")
  response.end(JSON.stringify({ headers, method, url, body: String(Buffer.concat(chunks)) }))
}

interface Mirrored {
  readonly headers: Http.IncomingHttpHeaders
  readonly method: string
  readonly url: string
  readonly body: string
}

const mirrored = (call: Parameters<Proxied["Service"]["call"]>[0]) =>
  Effect.gen(function*() {
    const proxy = yield* Proxied
    yield* proxy.route("/mirror", (request, response) => void mirror(request, response))
    return JSON.parse(String((yield* proxy.call(call)).body)) as Mirrored
  })

layer(proxied(), { excludeTestServices: true, timeout: "30 seconds" })("what the proxy forwards", (it) => {
  it.effect("method, path, query, headers and body, with a bearer", () =>
    Effect.gen(function*() {
      const { apiUrl } = yield* Proxied
      const path = "/mirror?q=a%20b&q=%C3%A9&empty=&x=1+2&tilde=~"
      const { body, headers, method, url } = yield* mirrored({
        method: "PATCH",
        path,
        body: "{\"é\":1}",
        headers: {
          "Content-Type": "application/json",
          "X-Trace": "7",
          "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
          "User-Agent": "mine/1",
          "Accept-Encoding": "br, gzip"
        }
      })
      expect({ body, method, url }).toEqual({ body: "{\"é\":1}", method: "PATCH", url: path })
      const { authorization, ...others } = headers
      expect(authorization).toMatch(/^Bearer \S+$/)
      expect(others).toEqual({
        "accept-encoding": "br, gzip",
        "connection": "keep-alive",
        "content-length": "8",
        "content-type": "application/json",
        "host": new URL(apiUrl).host,
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "user-agent": "mine/1",
        "via": "1.1 spotnana-auth",
        "x-trace": "7"
      })
    }))

  it.effect("no header that is for the proxy alone, and no cookie", () =>
    Effect.gen(function*() {
      const { headers } = yield* mirrored({
        path: "/mirror",
        headers: {
          "Connection": "close, X-Private",
          "X-Private": "1",
          "Keep-Alive": "timeout=1",
          "Proxy-Connection": "keep-alive",
          "Proxy-Authorization": "Basic eDp5",
          "TE": "trailers",
          "Cookie": "session=another-program's",
          "Via": "1.0 other"
        }
      })
      const expected = ["accept-encoding", "authorization", "connection", "host", "user-agent", "via"]
      expect(Object.keys(headers).sort()).toEqual(expected.filter((name) => name !== "accept-encoding"))
      expect([headers.connection, headers.via]).toEqual(["keep-alive", "1.0 other, 1.1 spotnana-auth"])
      expect(headers["user-agent"]).toMatch(/^effect-spotnana\//)
    }))

  it.effect("a body to the end of it, whatever the method and however it is framed", () =>
    Effect.gen(function*() {
      for (const method of ["GET", "DELETE", "POST", "PUT", "OPTIONS", "QUERY"]) {
        for (
          const framing of [{ "Content-Length": "5" }, { "Transfer-Encoding": "chunked" }] as Array<
            Http.OutgoingHttpHeaders
          >
        ) {
          const { body, headers } = yield* mirrored({ method, path: "/mirror", body: "hello", headers: framing })
          expect([method, framing, body, headers["content-length"]]).toEqual([method, framing, "hello", "5"])
        }
        // Had it been framed otherwise on the connection to the API, this would be in what comes next.
        expect((yield* mirrored({ path: "/mirror" })).body).toBe("")
      }
    }))

  it.effect("a POST without a body as one", () =>
    Effect.gen(function*() {
      const { body, headers } = yield* mirrored({ method: "POST", path: "/mirror", headers: { "Content-Length": "0" } })
      expect([body, headers["content-length"], headers["transfer-encoding"]]).toEqual(["", "0", undefined])
    }))

  it.effect("a request that offers HTTP/2, as Java's client does, and the next one on that connection", () =>
    Effect.gen(function*() {
      const proxy = yield* Proxied
      const offer = { "Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAEAAEAAAAIAAAAB" }
      const { body, headers } = yield* mirrored({ method: "POST", path: "/mirror", headers: offer, body: "hello" })
      expect([body, headers.upgrade, headers["http2-settings"], headers.connection]).toEqual([
        "hello",
        undefined,
        undefined,
        "keep-alive"
      ])
      const ports = yield* Effect.promise(async () => {
        const agent = new Http.Agent({ keepAlive: true, maxSockets: 1 })
        const ports: Array<number | undefined> = []
        for (const headers of [offer, {}]) {
          const request = Http.get(`${proxy.url}/v2/companies`, { agent, headers })
          const [response] = await once(request, "response")
          ports.push(response.socket.localPort)
          await read(response)
        }
        agent.destroy()
        return ports
      })
      expect(ports[0]).toBe(ports[1])
    }))

  it.effect("a body that waits to be asked for, and asks for it", () =>
    Effect.gen(function*() {
      const proxy = yield* Proxied
      yield* proxy.route("/mirror", (request, response) => void mirror(request, response))
      const answer = yield* Effect.promise(async () => {
        const request = proxy.begin({
          method: "POST",
          path: "/mirror",
          headers: { "Expect": "100-continue", "Content-Length": "5" }
        })
        request.flushHeaders()
        await once(request, "continue")
        const [response] = await once(request.end("hello"), "response")
        return read(response)
      })
      const { body, headers } = JSON.parse(String(answer.body)) as Mirrored
      expect([body, headers.expect]).toEqual(["hello", undefined])
    }))
})

layer(proxied(), { excludeTestServices: true, timeout: "30 seconds" })("what the proxy hands back", (it) => {
  it.effect("status, headers and body", () =>
    Effect.gen(function*() {
      const proxy = yield* Proxied
      yield* proxy.route("/answer", (_, response) => {
        response.writeHead(422, { "x-request-id": "7", "etag": "\"a\"", "vary": "accept, x-y", "date": "then" })
        response.end("no type, and none is made up")
      })
      const { body, headers, status } = yield* proxy.call({ path: "/answer" })
      expect(status).toBe(422)
      expect(String(body)).toBe("no type, and none is made up")
      expect(headers).toEqual({
        "connection": "keep-alive",
        "date": "then",
        "etag": "\"a\"",
        "keep-alive": "timeout=75",
        "transfer-encoding": "chunked",
        "vary": "accept, x-y",
        "x-request-id": "7"
      })
    }))

  it.effect("a compressed body as it is, with the headers that are true of it", () =>
    Effect.gen(function*() {
      const proxy = yield* Proxied
      const zipped = gzipSync("x".repeat(100_000))
      yield* proxy.route("/gzip", (_, response) => {
        response.writeHead(200, { "content-encoding": "gzip", "content-length": zipped.length })
        response.end(zipped)
      })
      const { body, headers } = yield* proxy.call({ path: "/gzip", headers: { "Accept-Encoding": "gzip" } })
      expect([headers["content-encoding"], headers["content-length"]]).toEqual(["gzip", String(zipped.length)])
      expect(body).toEqual(zipped)
      expect(String(gunzipSync(body)).length).toBe(100_000)
      // What decompresses by itself gets along with it.
      const response = yield* Effect.promise(() => fetch(`${proxy.url}/gzip`))
      expect((yield* Effect.promise(() => response.text())).length).toBe(100_000)
    }))

  it.effect("an answer without a body, with the length that it would have", () =>
    Effect.gen(function*() {
      const proxy = yield* Proxied
      const connections = new Set<unknown>()
      yield* proxy.route("/none", (request, response) => {
        connections.add(request.socket)
        const status = Number(new URL(request.url ?? "", "http://x").searchParams.get("status"))
        response.writeHead(status, status === 204 ? { etag: "\"a\"" } : { "etag": "\"a\"", "content-length": 5 })
        response.end(request.method === "HEAD" ? undefined : "")
      })
      const calls = [
        [{ method: "HEAD", path: "/none?status=200" }, 200, "5"],
        [{ path: "/none?status=304", headers: { "If-None-Match": "\"a\"" } }, 304, "5"],
        [{ path: "/none?status=204" }, 204, undefined]
      ] as const
      // Twice, on the same connections: nothing of the first is left on them.
      for (const [call, expected, length] of [...calls, ...calls]) {
        const { body, headers, status } = yield* proxy.call(call)
        expect([status, headers.etag, headers["content-length"], body.length]).toEqual([expected, "\"a\"", length, 0])
      }
      expect(connections.size).toBe(1)
    }))

  it.effect("no cookie, nothing about another host, no leave for web pages, and nothing from between the API and it", () =>
    Effect.gen(function*() {
      const proxy = yield* Proxied
      yield* proxy.route("/much", (_, response) => {
        response.writeHead(200, {
          "set-cookie": ["a=1", "b=2"],
          "alt-svc": "h3=\":443\"",
          "access-control-allow-origin": "*",
          "access-control-allow-credentials": "true",
          "connection": "keep-alive, x-private",
          "x-private": "1",
          "proxy-authenticate": "Basic",
          "trailer": "x-end"
        })
        response.addTrailers({ "x-end": "1" })
        response.end("{}")
      })
      const { headers } = yield* proxy.call({ path: "/much" })
      expect(Object.keys(headers).sort()).toEqual(["connection", "date", "keep-alive", "transfer-encoding"])
    }))

  it.effect("a redirect, which it does not follow; one to the API leads through the proxy", () =>
    Effect.gen(function*() {
      const proxy = yield* Proxied
      yield* proxy.route("/redirect", (request, response) => {
        const to = new URL(request.url ?? "", "http://x").searchParams.get("to") ?? ""
        response.writeHead(307, { location: to }).end()
      })
      for (
        const [to, expected] of [
          [`${proxy.apiUrl}/v2/companies?limit=1`, "/v2/companies?limit=1"],
          ["/v2/companies", "/v2/companies"],
          ["users", "/users"],
          ["https://elsewhere.example/x", "https://elsewhere.example/x"],
          ["//elsewhere.example/x", "http://elsewhere.example/x"],
          [`${proxy.apiUrl}@evil.example/`, `${proxy.apiUrl}@evil.example/`],
          [`${proxy.apiUrl}//evil.example/x`, `${proxy.url}//evil.example/x`],
          [`${proxy.apiUrl}/\\evil.example/x`, `${proxy.url}//evil.example/x`],
          [proxy.apiUrl.replace("//", "//user:password@") + "/v2/users", "/v2/users"],
          [proxy.apiUrl.toUpperCase(), "/"]
        ] as const
      ) {
        const { headers, status } = yield* proxy.call({ path: `/redirect?to=${encodeURIComponent(to)}` })
        expect([status, headers.location]).toEqual([307, expected])
      }
      const followed = yield* Effect.promise(() => fetch(`${proxy.url}/redirect?to=${proxy.apiUrl}/v2/companies`))
      expect([followed.status, followed.url]).toEqual([200, `${proxy.url}/v2/companies`])
      yield* Effect.promise(() => followed.text())
    }))

  it.effect("a redirect within the API that no client can take for one to another host", () =>
    Effect.gen(function*() {
      const proxy = yield* Proxied
      yield* proxy.route("/redirect", (_, response) => {
        response.writeHead(308, { location: `${proxy.apiUrl}//evil.example/x`, refresh: "0; url=//evil.example" }).end()
      })
      const followed = yield* Effect.promise(() => fetch(`${proxy.url}/redirect`))
      expect([followed.status, followed.url]).toEqual([404, `${proxy.url}//evil.example/x`])
      yield* Effect.promise(() => followed.text())
      expect((yield* proxy.call({ path: "/redirect" })).headers.refresh).toBeUndefined()
    }))

  it.effect("no answer whose transfer coding would get lost on the way", () =>
    Effect.gen(function*() {
      const proxy = yield* Proxied
      yield* proxy.route("/coded", (_, response) => {
        response.socket?.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
      })
      const answer = yield* proxy.call({ path: "/coded" })
      expect([answer.status, said(answer).code, answer.headers["proxy-status"]]).toEqual([
        502,
        "TRANSFER_CODING",
        "spotnana-auth; error=http_response_transfer_coding"
      ])
    }))

  it.effect("no answer with a status that a server cannot send", () =>
    Effect.gen(function*() {
      const proxy = yield* Proxied
      for (const status of ["099", "600", "999"]) {
        yield* proxy.route("/odd", (_, response) => {
          response.socket?.end(`HTTP/1.1 ${status} Odd\r\nContent-Length: 2\r\n\r\nno`)
        })
        const answer = yield* proxy.call({ path: "/odd" })
        expect([answer.status, said(answer), answer.headers["proxy-status"]]).toEqual([
          502,
          {
            code: "UNKNOWN_STATUS",
            message: `${proxy.apiUrl} answered with the status ${
              Number(status)
            }, which does not exist. It may have handled the request.`
          },
          "spotnana-auth; error=http_protocol_error"
        ])
      }
    }))

  it.effect("what a program of any kind asks of Spotnana", () =>
    Effect.gen(function*() {
      const { url } = yield* Proxied
      for (const host of [url, url.replace("127.0.0.1", "localhost"), url.replace("127.0.0.1", "[::1]")]) {
        const response = yield* Effect.promise(() => fetch(`${host}/v2/companies?offset=1&limit=2`))
        const { elements } = (yield* Effect.promise(() => response.json())) as { readonly elements: unknown }
        expect(elements).toEqual(MockSpotnana.companies.slice(1, 3))
      }
    }))
})

layer(proxied(), { excludeTestServices: true, timeout: "30 seconds" })("the proxy's sockets", (it) => {
  it.effect("has 64 requests under way at a time, and lets the others wait", () =>
    Effect.gen(function*() {
      const { call, route } = yield* Proxied
      let underWay = 0
      let most = 0
      const waiting: Array<() => void> = []
      yield* route("/gate", (_, response) => {
        underWay += 1
        most = Math.max(most, underWay)
        waiting.push(() => {
          underWay -= 1
          response.end()
        })
        // Whoever was not held back is here by now.
        if (waiting.length === 64) setTimeout(() => waiting.splice(0).forEach((end) => end()), 300)
        if (waiting.length < 64 && most === 64) waiting.splice(0).forEach((end) => end())
      })
      const answers = yield* Effect.forEach(Array.from({ length: 80 }), () => call({ path: "/gate" }), {
        concurrency: "unbounded"
      })
      expect(answers.filter(({ status }) => status === 200).length).toBe(80)
      expect(most).toBe(64)
    }))

  it.effect("answers requests that come one behind the other on a connection", () =>
    Effect.gen(function*() {
      const { port } = yield* Proxied
      const text = yield* Effect.promise(async () => {
        const socket = Net.connect(port, "127.0.0.1")
        const head = `Host: 127.0.0.1:${port}\r\n`
        socket.write(
          `GET /v2/companies?limit=1 HTTP/1.1\r\n${head}\r\nDELETE /v2/x HTTP/1.1\r\n${head}Content-Length: 3\r\n\r\nabc` +
            `GET /v2/nothing HTTP/1.1\r\n${head}Connection: close\r\n\r\n`
        )
        let text = ""
        for await (const chunk of socket) text += String(chunk)
        return text
      })
      expect([...text.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status)).toEqual(["200", "404", "404"])
    }))
})
