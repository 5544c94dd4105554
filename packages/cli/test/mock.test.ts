import { MockSpotnana } from "@effect-spotnana/testing"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Http from "node:http"
import * as Net from "node:net"
import * as Faults from "../src/mock/faults.ts"
import { makeUser, start } from "./support/cli.ts"
import type { Env } from "./support/cli.ts"
import { commandLine, hasTerminal } from "./support/process.ts"
import type { Running } from "./support/running.ts"

const secret = "c4n4ry-s3cr3t/+="

/** The lines on stderr before the first request. */
const introduction = 7

/** What it is that listens. */
const listening = <R extends Running>(running: R) =>
  Effect.map(running.match(/SPOTNANA_BASE_URL='([^']+)'/), ([, baseUrl = ""]) => ({
    ...running,
    baseUrl,
    port: Number(new URL(baseUrl).port)
  }))

const ofMock = (args: ReadonlyArray<string>) => ["mock", "--port", "0", ...args]

const env: Env = { SPOTNANA_CLIENT_SECRET: secret }

/** A mock that listens, with a secret that the test knows. */
const mock = (args: ReadonlyArray<string> = []) => Effect.flatMap(start(ofMock(args), env), listening)

/** The same as a process. */
const mockAsProcess = (args: ReadonlyArray<string> = []) =>
  Effect.flatMap(makeUser(env), (user) => Effect.flatMap(user.startProcess(ofMock(args)), listening))

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

const ask = (url: string, init?: RequestInit): Effect.Effect<Answer, string> =>
  Effect.tryPromise({
    try: async () => {
      const response = await fetch(url, init)
      return { status: response.status, headers: response.headers, text: await response.text() }
    },
    catch: (error) => (error as Error).message
  })

const tokenRequest = (baseUrl: string, clientId = "mock-client", clientSecret = secret) =>
  ask(`${baseUrl}/v2/auth/oauth2-token`, {
    method: "POST",
    body: new URLSearchParams({ grant_type: "client_credentials", client_id: clientId, client_secret: clientSecret })
  })

const tokenOf = ({ text }: Answer): string => (JSON.parse(text) as { readonly access_token: string }).access_token

const companies = (baseUrl: string, token: string) =>
  ask(`${baseUrl}/v2/companies?limit=1&api_secret=x`, { headers: { authorization: `Bearer ${token}` } })

describe("spotnana-auth mock", () => {
  it.live("plays Spotnana, and says what became of each request, without secret, token or query", () =>
    Effect.gen(function*() {
      const running = yield* mock()
      const token = tokenOf(yield* tokenRequest(running.baseUrl))
      expect((yield* companies(running.baseUrl, token)).status).toBe(200)
      expect((yield* companies(running.baseUrl, "other")).status).toBe(401)
      expect((yield* ask(`${running.baseUrl}/v2/companies`)).status).toBe(401)
      expect((yield* ask(`${running.baseUrl}/embed?idp=token-exchange-auth`)).status).toBe(200)
      expect((yield* tokenRequest(running.baseUrl, "mock-client", "wrong")).status).toBe(401)
      yield* running.match(/the credentials are refused/)
      expect(running.stderr().split("\n").slice(introduction).map((line) => line.replace(/^\d\d:\d\d:\d\d /, "")))
        .toEqual([
          "200 POST /v2/auth/oauth2-token a token is issued",
          "200 GET /v2/companies",
          "401 GET /v2/companies the token is not valid",
          "401 GET /v2/companies no bearer",
          "200 GET /embed the page for an iframe",
          "401 POST /v2/auth/oauth2-token the credentials are refused",
          ""
        ])
      expect(yield* running.interrupt).toBe(130)
      expect(running.stdout()).toBe(
        `export SPOTNANA_BASE_URL='${running.baseUrl}'\nexport SPOTNANA_CLIENT_ID='mock-client'\n`
      )
      for (const hidden of [secret, token, "api_secret"]) {
        expect(running.stdout() + running.stderr()).not.toContain(hidden)
      }
    }))

  it.live("exchanges the token of a user that it is told of, which is the email, and no other", () =>
    Effect.gen(function*() {
      const running = yield* mock(["--user", "ada@acme.example"])
      const exchange = (subjectToken: string) =>
        ask(`${running.baseUrl}/v2/auth/oauth2-token`, {
          method: "POST",
          body: new URLSearchParams({
            grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
            client_id: "mock-client",
            client_secret: secret,
            subject_token: subjectToken,
            subject_token_type: "urn:ietf:params:oauth:token-type:access_token"
          })
        })
      expect((yield* exchange("ada@acme.example")).status).toBe(200)
      expect((yield* exchange("c4n4ry")).status).toBe(400)
      yield* running.match(/200 POST \/v2\/auth\/oauth2-token a token of ada@acme\.example is issued/)
      yield* running.match(/400 POST \/v2\/auth\/oauth2-token the credentials or the user's token are refused/)
      expect(running.stderr()).not.toContain("c4n4ry")
    }))

  it.live("prints its paths and users, which are those of --user", () =>
    Effect.gen(function*() {
      const byDefault = yield* mock()
      yield* byDefault.match(/Ctrl-C/)
      const [, path = ""] = /(\/v2\/users\/\S+)/.exec(byDefault.stderr()) ?? []
      const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
      const token = tokenOf(yield* tokenRequest(byDefault.baseUrl))
      expect((yield* ask(byDefault.baseUrl + path, bearer(token))).status).toBe(200)
      expect(MockSpotnana.users.map((id) => `/v2/users/${id}`)).toEqual([path])
      const named = yield* mock(["--user", "4f1b", "--user", "4f1c"])
      yield* named.match(/GET \/v2\/users\/4f1b\n +GET \/v2\/users\/4f1c\n/)
      const other = tokenOf(yield* tokenRequest(named.baseUrl))
      expect((yield* ask(`${named.baseUrl}/v2/users/4f1c`, bearer(other))).status).toBe(200)
      expect((yield* ask(named.baseUrl + path, bearer(other))).status).toBe(404)
    }))

  it.live.each(["SIGHUP", "SIGQUIT", "SIGTERM"] as const)(
    "removes the file of --write-credentials at %s",
    (signal) =>
      Effect.gen(function*() {
        const { file: inDirectory } = yield* makeUser()
        const file = inDirectory("mock.env")
        const running = yield* mockAsProcess(["--write-credentials", file])
        yield* running.match(/Ctrl-C/)
        expect(Fs.existsSync(file)).toBe(true)
        running.child.kill(signal)
        expect(yield* running.end).toBe(130)
        expect(Fs.existsSync(file)).toBe(false)
      })
  )

  it.live("removes the file of --write-credentials when nobody reads its output any more, and ends with 141", () =>
    Effect.gen(function*() {
      const user = yield* makeUser()
      const running = yield* user.startProcess(ofMock(["--write-credentials", "mock.env"]))
      const [, baseUrl = ""] = yield* running.match(/listens on (\S+)\. /)
      yield* running.match(/Ctrl-C/)
      running.child.stderr?.destroy()
      // Its line breaks the pipe.
      yield* Effect.ignore(ask(baseUrl))
      expect(yield* running.end).toBe(141)
      expect(user.list(".")).toEqual([])
    }))

  it.live.skipIf(!Fs.existsSync("/dev/full"))(
    "removes the file of --write-credentials when its output cannot be written",
    () =>
      Effect.gen(function*() {
        const user = yield* makeUser()
        const command = `${commandLine(ofMock(["--write-credentials", "mock.env"]))} >/dev/full`
        const { code, stderr } = yield* user.exec("bash", ["-c", command])
        expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("error: stdout: ENOSPC") })
        expect(user.list(".")).toEqual([])
      })
  )

  it.live("says nothing of the requests with --quiet", () =>
    Effect.gen(function*() {
      const running = yield* mock(["--quiet", "--client-id", "me"])
      expect((yield* tokenRequest(running.baseUrl, "me")).status).toBe(200)
      yield* running.interrupt
      expect(running.stderr().trimEnd().split("\n").length).toBe(introduction)
    }))

  it.live("has faults in the order in which they were named", () =>
    Effect.gen(function*() {
      const { baseUrl, interrupt, stderr } = yield* mock(
        [
          "token:503,times=2,retry-after=7",
          "token:429,retry-after=soon",
          "token:garbage",
          "token:html",
          "token:empty",
          "token:cut",
          "token:drop",
          "api:401",
          "api:500,times=always"
        ].flatMap((fault) => ["--fault", fault])
      )
      const token = tokenRequest(baseUrl)
      const shape = ({ headers, status, text }: Answer) => [status, headers.get("retry-after"), text.slice(0, 9)]
      expect(shape(yield* token)).toEqual([503, "7", "{\"debugId"])
      expect(shape(yield* token)).toEqual([503, "7", "{\"debugId"])
      expect(shape(yield* token)).toEqual([429, "soon", "{\"debugId"])
      expect(shape(yield* token)[2]).toContain("\ufffd")
      expect(shape(yield* token)).toEqual([200, null, "<!doctype"])
      expect(shape(yield* token)).toEqual([200, null, ""])
      expect(yield* Effect.flip(token)).toBe("terminated")
      expect(yield* Effect.flip(token)).toBe("fetch failed")
      const value = tokenOf(yield* token)
      expect((yield* companies(baseUrl, value)).status).toBe(401)
      expect((yield* companies(baseUrl, value)).status).toBe(500)
      expect((yield* companies(baseUrl, value)).status).toBe(500)
      yield* interrupt
      expect(stderr()).toMatch(/drop POST \/v2\/auth\/oauth2-token the connection is dropped/)
      expect(stderr()).toMatch(/401 GET \/v2\/companies the token is valid, but is refused anyway/)
    }))

  it.live("has tokens that live as long, and say so, as it is told", () =>
    Effect.gen(function*() {
      const expiresIn = (answer: Answer) => (JSON.parse(answer.text) as { readonly expires_in?: unknown }).expires_in
      const short = yield* mock(["--token-lifetime", "90s"])
      expect(expiresIn(yield* tokenRequest(short.baseUrl))).toBe(90)
      const textual = yield* mock(["--expires-in", "\"60\"", "--refusal", "403-spotnana"])
      expect(expiresIn(yield* tokenRequest(textual.baseUrl))).toBe("60")
      const refused = yield* tokenRequest(textual.baseUrl, "nobody")
      expect([refused.status, refused.text]).toEqual([403, expect.stringContaining("errorMessages")])
      const absent = yield* mock(["--expires-in", "absent"])
      expect(expiresIn(yield* tokenRequest(absent.baseUrl))).toBe(undefined)
    }))

  it.live("revokes tokens again and again", () =>
    Effect.gen(function*() {
      const { baseUrl, match } = yield* mock(["--revoke-every", "20ms"])
      for (let n = 0; n < 2; n++) {
        const token = tokenOf(yield* tokenRequest(baseUrl))
        while ((yield* companies(baseUrl, token)).status === 200) yield* Effect.yieldNow
      }
      yield* match(/Every token that was issued is revoked/)
    }))

  it.live("ends at once, whatever is open: a request that hangs, half a request, and connections on which nothing is said", () =>
    Effect.gen(function*() {
      const { baseUrl, interrupt, match, port } = yield* mockAsProcess(["--fault", "api:hang"])
      const agent = new Http.Agent({ keepAlive: true })
      yield* Effect.promise(async () => {
        const [response] = await once(Http.get(`${baseUrl}/get-auth-token`, { agent }), "response")
        response.resume()
        await once(response, "end")
        await once(Net.connect(port, "127.0.0.1"), "connect")
        const half = Net.connect(port, "127.0.0.1")
        half.on("error", () => {})
        await new Promise((resolve) => half.write("POST /v2/companies HTTP/1.1\r\nHost: x\r\nContent-", resolve))
      })
      Http.get(`${baseUrl}/v2/companies`).on("error", () => {})
      yield* match(/hang GET \/v2\/companies never answered/)
      expect(yield* interrupt).toBe(130)
      agent.destroy()
    }))

  it.live("writes on the terminal what it means to: no control character that somebody sends, and no endless line", () =>
    Effect.gen(function*() {
      const { baseUrl, match, port, stderr } = yield* mock()
      for (const path of ["/\x1b[2J", "/\x9b2J", "/\u00e9"]) {
        const socket = Net.connect(port, "127.0.0.1")
        socket.write(Buffer.from(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`, "latin1"))
        const [answer] = yield* Effect.promise(() => once(socket, "data"))
        expect(String(answer)).toMatch(/^HTTP\/1.1 400 /)
        socket.destroy()
      }
      yield* ask(`${baseUrl}/${"x".repeat(10_000)}`)
      yield* match(/401 GET \/x{199}… no bearer/)
      expect(stderr().split("\n").length).toBe(introduction + 2)
    }))

  describe("makes a secret up", () => {
    it.live("which is in the file, for this user alone, until it ends", () =>
      Effect.gen(function*() {
        const user = yield* makeUser()
        const running = yield* user.start(ofMock(["--write-credentials", "mock.env", "--client-id", "me"]))
        const file = user.file("mock.env")
        yield* running.match(/listens on/)
        expect(Fs.statSync(file).mode & 0o777).toBe(0o600)
        const [, baseUrl = "", clientId = "", clientSecret = ""] =
          /^# .+\nSPOTNANA_BASE_URL='(.+)'\nSPOTNANA_CLIENT_ID='(.+)'\nSPOTNANA_CLIENT_SECRET='(.+)'\n$/.exec(
            Fs.readFileSync(file, "utf8")
          ) ?? []
        expect(clientId).toBe("me")
        expect((yield* tokenRequest(baseUrl, clientId, clientSecret)).status).toBe(200)
        // As any other command has it.
        expect(yield* user.run(["token", "--json", "--credentials-file", file])).toMatchObject({ code: 0 })
        expect(yield* running.interrupt).toBe(130)
        expect(Fs.existsSync(file)).toBe(false)
        expect(running.stdout() + running.stderr()).not.toContain(clientSecret)
      }))

    it.live("and replaces what an earlier run left behind, but nothing else", () =>
      Effect.gen(function*() {
        const user = yield* makeUser()
        const file = user.file("mock.env")
        const write = ofMock(["--write-credentials", file])
        const first = yield* user.startProcess(write)
        yield* first.match(/listens on/)
        first.child.kill("SIGKILL")
        yield* first.end
        Fs.chmodSync(file, 0o644)
        const second = yield* user.start(write)
        const [, baseUrl] = yield* second.match(/listens on (http:\/\/127.0.0.1:\d+)/)
        expect(Fs.readFileSync(file, "utf8")).toContain(`'${baseUrl}'`)
        expect(Fs.statSync(file).mode & 0o777).toBe(0o600)
        yield* second.interrupt
        Fs.writeFileSync(file, "SPOTNANA_CLIENT_SECRET=real\n")
        const third = yield* user.start(write)
        expect([yield* third.end, third.stderr()]).toEqual([
          2,
          expect.stringContaining("was not written by this command")
        ])
        expect(Fs.readFileSync(file, "utf8")).toBe("SPOTNANA_CLIENT_SECRET=real\n")
        expect(user.list(".")).toEqual(["mock.env"])
      }))

    it.live("and leaves the file of a mock that still runs to that one, which removes only what it wrote", () =>
      Effect.gen(function*() {
        const user = yield* makeUser()
        const write = ofMock(["--write-credentials", "mock.env"])
        const first = yield* user.start(write)
        const [, baseUrl] = yield* first.match(/listens on (http:\/\/127.0.0.1:\d+)/)
        const content = user.read("mock.env")
        const second = yield* user.start(write)
        expect([yield* second.end, second.stderr()]).toEqual([
          2,
          expect.stringMatching(
            `mock.env is of the mock that listens on ${baseUrl}. Name another file, or end that mock.`
          )
        ])
        expect(user.read("mock.env")).toBe(content)
        user.write("mock.env", `${content}# mine\n`)
        yield* first.interrupt
        expect(user.read("mock.env")).toBe(`${content}# mine\n`)
      }))

    it.live("and does not run where nobody would learn it", () =>
      Effect.gen(function*() {
        const running = yield* start(["mock", "--port", "0"])
        expect([yield* running.end, running.stdout(), running.stderr()]).toEqual([
          2,
          "",
          expect.stringMatching(/stdout is not a terminal.+--write-credentials.+SPOTNANA_CLIENT_SECRET/)
        ])
      }))

    it.live.skipIf(!hasTerminal)("which a person sees on the terminal", () =>
      Effect.gen(function*() {
        const { startOnTerminal } = yield* makeUser()
        const running = yield* startOnTerminal(ofMock([]))
        const [, baseUrl = ""] = yield* running.match(/export SPOTNANA_BASE_URL='(.+?)'/)
        const [, clientSecret] = yield* running.match(/export SPOTNANA_CLIENT_SECRET='(.+?)'/)
        expect((yield* tokenRequest(baseUrl, "mock-client", clientSecret)).status).toBe(200)
        expect(yield* running.interrupt).toBe(130)
      }))
  })

  it.live("prints no lines to paste on a terminal if the credentials are in a file, and says how to use the file", () =>
    Effect.gen(function*() {
      const { start } = yield* makeUser()
      const running = yield* start(ofMock(["--write-credentials", "mock.env"]), { isTerminal: true })
      yield* running.match(
        /until it ends: use them with node --env-file=\S*mock\.env, or .+ --credentials-file \S*mock\.env/
      )
      yield* running.match(/Ctrl-C/)
      yield* running.interrupt
      expect(running.stdout() + running.stderr()).not.toContain("export ")
    }))

  describe("takes the secret of the environment, which may be the real one", () => {
    it.live("and writes it nowhere", () =>
      Effect.gen(function*() {
        const user = yield* makeUser(env)
        const { baseUrl, stderr } = yield* listening(yield* user.start(ofMock(["--write-credentials", "mock.env"])))
        expect((yield* tokenRequest(baseUrl)).status).toBe(200)
        expect(user.read("mock.env")).toMatch(/^#.+\nSPOTNANA_BASE_URL=.+\n.+_ID=.+\n$/)
        expect(stderr()).toContain("Its client secret is your SPOTNANA_CLIENT_SECRET, which is written nowhere.")
      }))

    it.live("not even on a terminal", () =>
      Effect.gen(function*() {
        const { start } = yield* makeUser({ ...env, SPOTNANA_CLIENT_ID: "me" })
        const running = yield* start(ofMock([]), { isTerminal: true })
        const [, baseUrl = ""] = yield* running.match(/export SPOTNANA_BASE_URL='(.+?)'/)
        yield* running.match(/Ctrl-C/)
        expect((yield* tokenRequest(baseUrl, "me")).status).toBe(200)
        yield* running.interrupt
        expect(running.stdout() + running.stderr()).not.toContain(secret)
      }))
  })

  it.live("says what to do where it cannot listen", () =>
    Effect.gen(function*() {
      const { port } = yield* mock()
      const second = yield* start(["mock", "--port", String(port)], env)
      expect([yield* second.end, second.stdout(), second.stderr()]).toEqual([
        2,
        "",
        `error: Another program listens on port ${port} of 127.0.0.1. Name another port with --port; 0 chooses a free one.\n`
      ])
    }))

  it.live.each(
    [
      [["--port", "70000"], /Expected a port, 0 to 65535; got 70000/],
      [["--token-lifetime", "5"], /Expected a number and a unit, as in 500ms, 30s, 5m or 2h; got "5"/],
      [["--token-latency", "99999999999h"], /Expected a duration from 0ms to 8760h \(a year\); got "99999999999h"/],
      [["--revoke-every", "0s"], /Expected a duration from 1ms to 8760h \(a year\); got "0s"/],
      [["--expires-in", "soon"], /expected absent, or JSON as in 60, -1, null/],
      [["--user", "../x"], /--user "..\/x": expected an id or an email of letters, digits/],
      [["--client-id", "o'neil"], /expected printable ASCII without spaces and quotes/],
      [
        ["--fault", "token:5x3"],
        /--fault token:5x3: "5x3" is neither a status .+\.\nExpected token\|api : 200-599\|hang/
      ]
    ] as const
  )("teaches who is mistaken: %j", ([args, message]) =>
    Effect.gen(function*() {
      const running = yield* start(["mock", ...args], env)
      expect([yield* running.end, running.stdout(), running.stderr()]).toEqual([2, "", expect.stringMatching(message)])
    }))
})

describe("the grammar of --fault", () => {
  it.each([
    ["tokens:503", "it does not begin with token: or api:"],
    ["token:", "\"\" is neither a status from 200 to 599 nor one of hang, drop, cut, garbage, empty, html"],
    ["token:600", "\"600\" is neither a status from 200 to 599 nor one of hang, drop, cut, garbage, empty, html"],
    [
      "token:toString",
      "\"toString\" is neither a status from 200 to 599 nor one of hang, drop, cut, garbage, empty, html"
    ],
    ["api:503,times=0", "times is \"0\"; expected a whole number from 1 on, or always"],
    ["api:503,times=1.5", "times is \"1.5\"; expected a whole number from 1 on, or always"],
    ["api:503,for=2", "\"for=2\" is none of times=…, retry-after=…"],
    ["api:503,times", "\"times\" is none of times=…, retry-after=…"],
    ["api:503,times=1,times=2", "times is given twice"],
    ["api:hang,retry-after=2", "retry-after goes with a status, as in 503,retry-after=2; hang has none"]
  ])("has no %s", (text, problem) => {
    expect(Faults.parse(text)).toEqual(Result.fail(problem))
  })
})
