import { Fault } from "@effect-spotnana/testing"
import { expect, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { once } from "node:events"
import * as Fs from "node:fs"
import type * as Http from "node:http"
import * as Net from "node:net"
import { setTimeout as delay } from "node:timers/promises"
import { Proxied, proxied, read, said } from "./support/proxy.ts"
import type { Route } from "./support/proxy.ts"

const mebibyte = 1024 * 1024
const chunk = Buffer.alloc(mebibyte).map((_, index) => index % 251)
const chunks = 96

const digestOf = (count: number): string => {
  const hash = createHash("sha256")
  for (let n = 0; n < count; n++) hash.update(chunk)
  return hash.digest("hex")
}

const digestOfAll = digestOf(chunks)

/** Writes a body of many chunks, no faster than it is taken. */
const write = async (
  to: Http.OutgoingMessage,
  written: (bytes: number) => void = () => {},
  count = chunks
): Promise<void> => {
  for (let n = 0; n < count; n++) {
    if (!to.write(chunk)) await once(to, "drain")
    written((n + 1) * mebibyte)
  }
  to.end()
}

/** What arrives, without keeping it. */
const digest = async (from: Http.IncomingMessage): Promise<string> => {
  const hash = createHash("sha256")
  for await (const part of from) hash.update(part as Buffer)
  return hash.digest("hex")
}

/** The most memory that a process ever had, in bytes; Linux tells. */
const peak = (pid: number): number =>
  Number(/VmHWM:\s+(\d+) kB/.exec(Fs.readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024

/** Waits until a number has stopped growing. */
const settled = async (number: () => number): Promise<number> => {
  for (let before = -1, same = 0; same < 5;) {
    await delay(100)
    same = number() === before ? same + 1 : 0
    before = number()
  }
  return number()
}

const framings = [{ "Content-Length": chunks * mebibyte }, { "Transfer-Encoding": "chunked" }] as const

const asProcess = proxied([], { asProcess: true })

layer(asProcess, { excludeTestServices: true, timeout: "60 seconds" })("large bodies", (it) => {
  it.effect("pass in both directions at a time, bit for bit, in little memory", () =>
    Effect.gen(function*() {
      const { begin, call, child, route } = yield* Proxied
      yield* route("/upload", (request, response) => {
        void digest(request).then((hex) => response.end(hex))
      })
      yield* route("/download", (_, response) => void write(response))
      yield* call({ path: "/v2/companies" })
      const before = process.platform === "linux" ? peak(child!.pid!) : 0
      const digests = yield* Effect.promise(() =>
        Promise.all([
          ...framings.map(async (headers) => {
            const request = begin({ method: "PUT", path: "/upload", headers })
            const answered = once(request, "response")
            await write(request)
            const [response] = await answered
            return String((await read(response)).body)
          }),
          ...framings.map(async () => {
            const [response] = await once(begin({ path: "/download" }).end(), "response")
            return digest(response)
          })
        ])
      )
      expect(new Set(digests)).toEqual(new Set([digestOfAll]))
      // The four bodies have four times 96 MiB. How much waits to be collected depends on the machine.
      if (process.platform === "linux") expect(peak(child!.pid!) - before).toBeLessThan(2 * chunks * mebibyte)
    }))

  it.effect("wait for who reads them slowly", () =>
    Effect.gen(function*() {
      const { begin, route } = yield* Proxied
      let uploaded = 0
      let downloaded = 0
      let taken: (request: Http.IncomingMessage) => void = () => {}
      const slow = new Promise<Http.IncomingMessage>((resolve) => {
        taken = resolve
      })
      yield* route("/slow", (request, response) => {
        taken(request)
        request.once("end", () => response.end())
      })
      yield* route("/download", (_, response) =>
        void write(response, (bytes) => {
          downloaded = bytes
        }))
      yield* Effect.promise(async () => {
        const upload = begin({ method: "PUT", path: "/slow", headers: { "Transfer-Encoding": "chunked" } })
        const answered = once(upload, "response")
        const finished = write(upload, (bytes) => {
          uploaded = bytes
        })
        const [download] = await once(begin({ path: "/download" }).end(), "response")
        const request = await slow
        // Nobody reads: what was written is in the sockets' buffers, and the rest is still where it comes from.
        expect(await settled(() => uploaded)).toBeLessThan(chunks * mebibyte / 2)
        expect(await settled(() => downloaded)).toBeLessThan(chunks * mebibyte / 2)
        expect(await digest(request)).toBe(digestOfAll)
        expect(await digest(download)).toBe(digestOfAll)
        await finished
        const [response] = await answered
        await read(response)
      })
    }))

  it.effect("pass as they come: each part is there before the next one is made", () =>
    Effect.gen(function*() {
      const { begin, route } = yield* Proxied
      let next: Http.ServerResponse | undefined
      yield* route("/events", (_, response) => {
        next = response
        response.writeHead(200, { "content-type": "text/event-stream" })
        response.write("data: 0\n\n")
      })
      yield* Effect.promise(async () => {
        const [response] = await once(begin({ path: "/events" }).end(), "response")
        response.setEncoding("utf8")
        for (let n = 0; n < 3; n++) {
          const [text] = await once(response, "data")
          expect(text).toBe(`data: ${n}\n\n`)
          if (n < 2) next?.write(`data: ${n + 1}\n\n`)
        }
        next?.end()
        await once(response, "end")
      })
    }))
})

layer(proxied(), { excludeTestServices: true, timeout: "30 seconds" })("an end before the end", (it) => {
  /** A route that tells when its request is gone. */
  const watched = (path: string, answer: (response: Http.ServerResponse) => void) =>
    Effect.gen(function*() {
      const { route } = yield* Proxied
      let arrived = () => {}
      let gone = () => {}
      const events = {
        arrived: new Promise<void>((resolve) => {
          arrived = resolve
        }),
        gone: new Promise<void>((resolve) => {
          gone = resolve
        })
      }
      yield* route(path, (_, response) => {
        response.once("close", gone)
        answer(response)
        arrived()
      })
      return events
    })

  it.effect("of the client ends the request to the API, before the answer and in the middle of it", () =>
    Effect.gen(function*() {
      const { begin, running } = yield* Proxied
      const silent = yield* watched("/silent", () => {})
      const endless = yield* watched("/endless", (response) => response.write("and so on"))
      yield* Effect.promise(async () => {
        const first = begin({ path: "/silent" }).end()
        first.on("error", () => {})
        await silent.arrived
        first.destroy()
        await silent.gone
        const second = begin({ path: "/endless" }).end()
        const [response] = await once(second, "response")
        await once(response, "data")
        response.on("error", () => {})
        second.destroy()
        await endless.gone
      })
      yield* running.match(/--- GET \/silent \d+ ms, the client went away/)
      yield* running.match(/200 GET \/endless \d+ ms, the client went away/)
    }))

  it.effect("of the client in the middle of its own body ends the request to the API", () =>
    Effect.gen(function*() {
      const { begin, route } = yield* Proxied
      const gone = new Promise<void>((resolve, reject) =>
        Effect.runSync(route("/upload", (request) => {
          request.resume()
          request.once("end", () => reject(new Error("It looks complete")))
          request.once("close", () => resolve())
        }))
      )
      yield* Effect.promise(async () => {
        const request = begin({ method: "PUT", path: "/upload", headers: { "Content-Length": 10 * mebibyte } })
        request.on("error", () => {})
        for (let n = 0; n < 2; n++) await new Promise((resolve) => request.write(chunk, resolve))
        request.destroy()
        await gone
      })
    }))

  it.effect("of the API in the middle of its answer is an end without the end, however it is framed", () =>
    Effect.gen(function*() {
      const { begin, route, running } = yield* Proxied
      for (const headers of [{ "content-length": 100 }, {}]) {
        yield* route("/cut", (request, response) => {
          response.writeHead(200, headers)
          response.write("half of it")
          setTimeout(() => request.socket.destroy(), 50)
        })
        const error = yield* Effect.promise(async () => {
          const [response] = await once(begin({ path: "/cut" }).end(), "response")
          return read(response).then(() => "complete", (error: Error) => error.message)
        })
        expect(error).toBe("aborted")
      }
      yield* running.match(/200 GET \/cut \d+ ms, the answer broke off/)
    }))
})

layer(asProcess, { excludeTestServices: true, timeout: "60 seconds" })(
  "an answer before the end of an upload",
  (it) => {
    /** Answers at the first part of a body, reads no more of it, and closes. */
    const early = (status: number, headers: Http.OutgoingHttpHeaders, body: string): Route => (request, response) => {
      request.once("data", () => {
        request.pause()
        response.writeHead(status, { "connection": "close", "content-length": body.length, ...headers })
        response.end(body, () => request.socket.destroy())
      })
    }

    const upload = (path: string, headers: Http.OutgoingHttpHeaders, count = chunks) =>
      Effect.gen(function*() {
        const { begin } = yield* Proxied
        return yield* Effect.promise(async () => {
          // The answer is there before the rest of the body is taken.
          const request = begin({ method: "PUT", path, headers }).on("error", () => {})
          const answered = once(request, "response")
          void write(request, undefined, count).catch(() => {})
          const [response] = await answered
          const answer = await read(response)
          request.destroy()
          return answer
        })
      })

    it.effect("reaches the client, whatever becomes of the rest", () =>
      Effect.gen(function*() {
        const { route } = yield* Proxied
        // More than this may be in the API's own buffers when it closes, and go down with the connection.
        const text = "x".repeat(10_000)
        yield* route("/early", early(413, { "content-type": "text/plain" }, text))
        for (let n = 0; n < 5; n++) {
          for (const headers of framings) {
            const { body, status } = yield* upload("/early", headers)
            expect([n, status, String(body)]).toEqual([n, 413, text])
          }
        }
      }))

    it.effect("that is a 401 replaces the token", () =>
      Effect.gen(function*() {
        const { call, mock, route } = yield* Proxied
        const reject = early(401, { "www-authenticate": "Bearer error=\"invalid_token\"" }, "")
        let isRevoked = false
        yield* route("/early", (request, response) => {
          if (isRevoked) return reject(request, response)
          void digest(request).then((hex) => response.end(hex))
        })
        for (const headers of framings) {
          yield* call({ path: "/v2/companies" })
          yield* mock.revokeTokens
          yield* mock.clearLedger
          isRevoked = true
          const answer = yield* upload("/early", headers)
          expect([answer.status, said(answer).code, answer.headers["retry-after"]]).toEqual([
            503,
            "TOKEN_REPLACED",
            "0"
          ])
          isRevoked = false
          const again = yield* upload("/early", headers)
          expect([again.status, String(again.body)]).toEqual([200, digestOfAll])
          expect((yield* call({ path: "/v2/companies" })).status).toBe(200)
          expect([yield* mock.tokenRequests, yield* mock.apiRequests]).toEqual([1, 1])
        }
      }))
  }
)

it.live("lets the requests in progress finish at Ctrl-C, and takes no more", () =>
  Effect.gen(function*() {
    const { begin, child, route, running, url } = yield* Proxied
    let finish = () => {}
    yield* route("/slow", (_, response) => {
      response.write("first, ")
      finish = () => response.end("last")
    })
    const response = yield* Effect.promise(async () => {
      const [response] = await once(begin({ path: "/slow" }).end(), "response")
      await once(response, "readable")
      return response as Http.IncomingMessage
    })
    child!.kill("SIGINT")
    yield* running.match(/1 in progress; waiting up to 5 seconds/)
    yield* Effect.promise(() => expect(fetch(`${url}/v2/companies`)).rejects.toThrow("fetch failed"))
    finish()
    const text = String((yield* Effect.promise(() => read(response))).body)
    expect(text).toBe("first, last")
    expect(yield* running.end).toBe(130)
    expect(running.stderr()).toMatch(/200 GET \/slow \d+ ms$/m)
  }).pipe(Effect.provide(asProcess)))

it.live("ends after the last answer, also to a request that expected 100 Continue", () =>
  Effect.gen(function*() {
    const { begin, child, route, running } = yield* Proxied
    yield* route("/upload", (request, response) => void digest(request).then((hex) => response.end(hex)))
    yield* Effect.promise(async () => {
      const headers = { "Expect": "100-continue", "Content-Length": mebibyte }
      const request = begin({ method: "PUT", path: "/upload", headers })
      request.flushHeaders()
      await once(request, "continue")
      child!.kill("SIGINT")
      await Effect.runPromise(running.match(/1 in progress/))
      const answered = once(request, "response")
      request.end(chunk)
      const [response] = await answered
      expect(String((await read(response)).body)).toBe(digestOf(1))
    })
    const answeredAt = Date.now()
    expect(yield* running.end).toBe(130)
    expect(Date.now() - answeredAt).toBeLessThan(3000)
    expect(running.stderr()).toMatch(/200 PUT \/upload \d+ ms$/m)
  }).pipe(Effect.provide(asProcess)))

it.live("does not wait for ever at Ctrl-C, and says whether the API may have handled a request", () =>
  Effect.gen(function*() {
    const { begin, mock, route, running } = yield* Proxied
    const answerTo = (path: string) => {
      const request = begin({ method: "POST", path }).end("{}")
      return Effect.promise(async () => {
        const [response] = await once(request, "response")
        return read(response)
      })
    }
    const arrived = new Promise<void>((resolve) => Effect.runSync(route("/never", () => resolve())))
    yield* route("/rejected", (_, response) => {
      response.writeHead(401, { "www-authenticate": "Bearer error=\"invalid_token\"" }).end()
    })
    const sent = answerTo("/never")
    yield* Effect.promise(() => arrived)
    yield* mock.inject("token", Fault.hang)
    const rejected = answerTo("/rejected")
    // The token was rejected, and the next one is requested.
    while ((yield* mock.tokenRequests) < 2) yield* Effect.sleep("10 millis")
    const [first, second, code] = yield* Effect.all([sent, rejected, running.interrupt], { concurrency: 3 })
    expect(code).toBe(130)
    expect([first.status, said(first)]).toEqual([502, {
      code: "PROXY_ENDED",
      message: expect.stringMatching(/^This proxy ended before .* answered\. It may have handled the request\.$/)
    }])
    expect([second.status, said(second)]).toEqual([503, {
      code: "PROXY_ENDED",
      message: "This proxy ended before it could send the request again."
    }])
    expect(running.stderr()).toMatch(/2 in progress[^]+502 POST \/never \d+ ms, PROXY_ENDED/)
  }).pipe(Effect.provide(asProcess)))

it.live("says that it ended in the middle of an answer", () =>
  Effect.gen(function*() {
    const { begin, route, running } = yield* Proxied
    yield* route("/endless", (_, response) => response.write("and so on"))
    const response = yield* Effect.promise(async () => {
      const [response] = await once(begin({ path: "/endless" }).end(), "response")
      await once(response, "readable")
      return response as Http.IncomingMessage
    })
    const cut = read(response).then(() => "complete", (error: Error) => error.message)
    expect(yield* running.interrupt).toBe(130)
    expect(yield* Effect.promise(() => cut)).toBe("aborted")
    expect(running.stderr()).toMatch(/200 GET \/endless \d+ ms, the proxy ended/)
  }).pipe(Effect.provide(asProcess)))

it.live("ends at once at Ctrl-C where nothing is asked, whoever keeps a connection", () =>
  Effect.gen(function*() {
    const { call, port, running } = yield* Proxied
    yield* call({ path: "/v2/companies" })
    yield* Effect.promise(() => once(Net.connect(port, "127.0.0.1"), "connect"))
    expect(yield* running.interrupt).toBe(130)
    expect(running.stderr()).not.toContain("in progress")
  }).pipe(Effect.provide(asProcess)))

layer(proxied(["--timeout", "2s"]), { excludeTestServices: true, timeout: "30 seconds" })("the time-out", (it) => {
  it.effect("is for silence, and not for all of a long request", () =>
    Effect.gen(function*() {
      const { begin, route } = yield* Proxied
      yield* route("/upload", (request, response) => {
        void digest(request).then((hex) => response.end(hex))
      })
      const answer = yield* Effect.promise(async () => {
        const request = begin({ method: "PUT", path: "/upload", headers: { "Content-Length": 5 * mebibyte } })
        const answered = once(request, "response")
        for (let n = 0; n < 5; n++) {
          request.write(chunk)
          await delay(700)
        }
        request.end()
        const [response] = await answered
        return read(response)
      })
      expect([answer.status, String(answer.body)]).toEqual([200, digestOf(5)])
    }))
})
