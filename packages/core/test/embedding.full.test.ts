// The script of docs/embedding.md in Chromium, with the route of `EmbedTokens` and the embed page of the mock.
import { Credentials, EmbedTokens, Environment } from "@effect-spotnana/core"
import { MockSpotnana } from "@effect-spotnana/testing"
import { NodeHttpServer } from "@effect/platform-node"
import { afterAll, describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, References } from "effect"
import { FetchHttpClient, HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Fs from "node:fs"
import { createServer } from "node:http"
import type { BrowserContext, Page } from "playwright-core"
import { isThere, launch } from "../../../scripts/chromium.ts"
import { clientId, clientSecret } from "./support/harness.ts"

const email = "ada@acme.example"
const subjectText = "subj3ct-t0ken-of-ada"
const tokenPath = "/spotnana/embed-tokens"

const [, html = ""] = /^```html\n(.*?)^```/ms.exec(Fs.readFileSync("docs/embedding.md", "utf8")) ?? []
const [, script = ""] = /^```js\n(.*?)^```/ms.exec(Fs.readFileSync("docs/embedding.md", "utf8")) ?? []

/** The script, with the mock's page in place of Spotnana's. */
const scriptFor = (embedOrigin: string) =>
  script.replace(/"https:\/\/embed[^"]+"/, JSON.stringify(embedOrigin)).replace("}/?idp", "}/embed?idp")

const page = (script: string) =>
  `<!doctype html><title>Travel</title><p id="problem"></p>${html}<script type="module">
  const showProblem = (text) => { document.getElementById("problem").textContent = text }
  ${script}</script>`

const listening = <A, E, R>(routes: Layer.Layer<A, E, R>) =>
  Effect.gen(function*() {
    const server = yield* Layer.build(
      Layer.provideMerge(routes, NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
    )
    const { address } = Context.get(server, HttpServer.HttpServer)
    return "port" in address ? address.port : yield* Effect.die("no port")
  })

const serve = (routes: Layer.Layer<never, never, HttpRouter.HttpRouter>) =>
  listening(HttpRouter.serve(routes, { disableListenLog: true, disableLogger: true }))

const getPage = (path: HttpRouter.PathInput, body: Effect.Effect<string>, headers?: Record<string, string>) =>
  HttpRouter.add(
    "GET",
    path,
    Effect.map(body, (text) => HttpServerResponse.text(text, { contentType: "text/html; charset=utf-8", headers }))
  )

const session = Effect.gen(function*() {
  const { cookies } = yield* HttpServerRequest.HttpServerRequest
  return cookies["session"] === "ada"
    ? { user: "ada", subjectToken: Effect.succeed(Redacted.make(subjectText)) }
    : yield* new EmbedTokens.NotSignedIn()
})

// The worst of cookies: every page of the web has it sent.
const signIn = { "set-cookie": "session=ada; Path=/; HttpOnly; Secure; SameSite=None" }

/** The mock, and the application whose page embeds it. Ports of one host are other origins, and one site. */
const start = Effect.gen(function*() {
  const mock = yield* MockSpotnana.make({ clientId, clientSecret })
  const mockOrigin = `http://localhost:${yield* listening(
    Layer.provide(MockSpotnana.layerServer, Layer.succeed(MockSpotnana.MockSpotnana, mock))
  )}`
  const route = EmbedTokens.layer({ session, environment: Environment.makeUnsafe({ baseUrl: mockOrigin }) }).pipe(
    Layer.provide([FetchHttpClient.layer, Credentials.layer({ clientId, clientSecret })])
  )
  const me = HttpRouter.add("GET", "/me", ({ headers }) =>
    Effect.succeed(
      headers["authorization"] === `Bearer ${subjectText}`
        ? HttpServerResponse.jsonUnsafe({ email })
        : HttpServerResponse.empty({ status: 401 })
    ))
  const unchecked = scriptFor(mockOrigin).replace(/^ *if \(origin !== .*$/m, "").replace(
    "payload }, embedOrigin",
    "payload }, \"*\""
  )
    .replace("frame.contentWindow.post", "source.post")
  const application = yield* serve(Layer.mergeAll(
    route,
    me,
    getPage("/", Effect.succeed(page(scriptFor(mockOrigin))), signIn),
    getPage("/unchecked", Effect.succeed(page(unchecked)), signIn)
  ))
  const origin = `http://localhost:${application}`
  yield* mock.configure({ embedders: [origin], userEndpoint: `${origin}/me` })
  return { mock, mockOrigin, origin }
})

let launched: ReturnType<typeof launch> | undefined
afterAll(async () => (await launched)?.close())

/** A context of its own has its own cookies and its own storage, so one browser is enough. */
const inBrowser = (use: (context: BrowserContext) => Promise<void>) =>
  Effect.acquireUseRelease(
    Effect.promise(async () => (await (launched ??= launch())).newContext()),
    (context) => Effect.promise(() => use(context)),
    (context) => Effect.promise(() => context.close())
  )

/** Everything that a browser tells of its pages: addresses, and what is on the console. */
const record = (context: BrowserContext) => {
  const seen: Array<string> = []
  context.on("request", (request) => seen.push(request.url(), request.headers()["referer"] ?? ""))
  context.on("console", (message) => seen.push(message.text()))
  context.on("weberror", (error) => seen.push(String(error.error())))
  return seen
}

const companiesIn = (tab: Page) => tab.frameLocator("#spotnana").getByText("120 companies").waitFor()

/** Everything that a page's origin keeps, and what is on the page. */
const kept = (tab: Page) =>
  tab.evaluate(async () =>
    JSON.stringify([
      Object.entries(localStorage),
      Object.entries(sessionStorage),
      document.cookie,
      document.documentElement.outerHTML,
      location.href,
      await indexedDB.databases(),
      await caches.keys(),
      history.state,
      window.name
    ])
  )

const quietly = Effect.provideService(References.MinimumLogLevel, "None")

describe.skipIf(!isThere)("a page that embeds Spotnana", () => {
  it.live("gets the tokens to Spotnana's page, which calls the API for the user, and keeps them nowhere", () =>
    Effect.gen(function*() {
      const { mock, origin } = yield* start
      let tokens: ReadonlyArray<string> = []
      yield* inBrowser(async (context) => {
        const seen = record(context)
        const tab = await context.newPage()
        const answered = tab.waitForResponse(`${origin}${tokenPath}`)
        await tab.goto(origin)
        await companiesIn(tab)
        tokens = Object.values((await (await answered).json()) as Record<string, string>)
        expect(tokens.length).toBe(2)
        const letOut = [...seen, await kept(tab)].join("\n")
        expect(seen.filter((url) => url === `${origin}${tokenPath}`).length).toBe(1)
        expect([...tokens, subjectText].filter((token) => letOut.includes(token))).toEqual([])
      })
      const ledger = yield* mock.ledger
      expect(ledger.map(({ path, status, user }) => [path, status, user])).toEqual([
        ["/embed", 200, undefined],
        ["/v2/auth/oauth2-token", 200, email],
        ["/v2/companies", 200, email]
      ])
      expect(Redacted.value(ledger[2]!.token!)).toBe(tokens[0])
    }).pipe(Effect.scoped, quietly))

  it.live("shows what went wrong where there are no tokens, or where Spotnana's page does not take them", () =>
    Effect.gen(function*() {
      const { mock, origin } = yield* start
      const problemOf = (tab: Page) => tab.locator("#problem:not(:empty)").textContent()
      yield* mock.removeUser(email)
      yield* inBrowser(async (context) => {
        const tab = await context.newPage()
        await tab.goto(origin)
        expect(await problemOf(tab)).toBe("SubjectTokenRejected")
        await tab.route(
          `${origin}${tokenPath}`,
          (route) => route.fulfill({ json: { accessToken: "dead", refreshToken: "r" } })
        )
        await tab.reload()
        expect(await problemOf(tab)).toBe("TOKEN_REJECTED")
        await tab.unroute(`${origin}${tokenPath}`)
        await tab.route(`${origin}${tokenPath}`, (route) => route.fulfill({ json: { accessToken: "a" } }))
        await tab.reload()
        expect(await problemOf(tab)).toBe("TOKEN_MISSING")
      })
    }).pipe(Effect.scoped, quietly))

  it.live("gives nothing to pages of other origins, of another site or of its own", () =>
    Effect.gen(function*() {
      const { mock, mockOrigin, origin } = yield* start
      const evil = yield* serve(getPage("/", Effect.succeed(evilPage(origin, mockOrigin))))
      for (const host of ["127.0.0.1", "localhost"]) {
        yield* inBrowser(async (context) => {
          const own = await context.newPage()
          await own.goto(origin)
          await companiesIn(own)
          await own.close()
          const tab = await context.newPage()
          await tab.goto(`http://${host}:${evil}/`)
          // All that it can send by itself: it reads none of the answers.
          expect(await tab.evaluate("send()")).toEqual({ read: [], sent: 5 })
          const open = async (path: string) => {
            const [opened] = await Promise.all([
              context.waitForEvent("page"),
              tab.evaluate(`attack(${JSON.stringify(path)})`)
            ])
            await companiesIn(opened)
            await opened.evaluate(() => {
              addEventListener("message", ({ data }) => {
                if (data === "last") document.title = "attacked"
              })
            })
            await tab.evaluate("ask()")
            await opened.waitForFunction("document.title === 'attacked'")
            return opened
          }
          // The page that it opens works, and hands it nothing.
          const checked = await open("/")
          // Without the checks of the script it would get them: the attack is one.
          const unchecked = await open("/unchecked")
          await tab.waitForFunction("received.length > 0")
          expect(await tab.evaluate("received")).toEqual(["TOKEN_EXCHANGE_RESPONSE"])
          await Promise.all([checked.close(), unchecked.close()])
        })
      }
      // The pages of the application: one of its own, one that was opened, and one without checks that answered twice.
      expect(yield* mock.tokenRequests).toBe(2 * 4)
      // Nor does Spotnana's page take tokens of anybody else.
      expect((yield* mock.ledger).filter(({ status }) => status !== 200)).toEqual([])
    }).pipe(Effect.scoped, quietly))
})

/** A page that tries to get the tokens of whoever visits it. */
const evilPage = (origin: string, mockOrigin: string) =>
  `<!doctype html><title>evil</title><iframe name="sink"></iframe><iframe src="${origin}/"></iframe>
<iframe src="${mockOrigin}/embed?idp=token-exchange-auth"></iframe>
<form method="POST" action="${origin}${tokenPath}" target="sink"></form><script>
  const target = "${origin}${tokenPath}"
  const received = []
  addEventListener("message", ({ data }) => received.push(data.type))
  const send = async () => {
    const answers = await Promise.allSettled([
      fetch(target, { method: "POST", credentials: "include" }),
      fetch(target, { method: "POST", credentials: "include", mode: "no-cors" }),
      fetch(target, { method: "POST", credentials: "include", headers: { "content-type": "application/json" } }),
      navigator.sendBeacon(target, "x"),
      new Promise((resolve) => { frames.sink.onload = resolve; document.querySelector("[name=sink]").onload = resolve; document.forms[0].submit() })
    ])
    const texts = await Promise.all(answers.map(({ value }) => value instanceof Response ? value.text() : ""))
    return { sent: answers.length, read: texts.filter((text) => text !== "") }
  }
  let opened
  const attack = (path) => { opened = open("${origin}" + path) }
  const ask = () => {
    const framesOf = (page) => Array.from({ length: page.length }, (_, index) => page[index])
    for (const target of [opened, ...framesOf(window), ...framesOf(opened)]) {
      target.postMessage({ type: "TOKEN_EXCHANGE_REQUEST", from: "spotnana-embed" }, "*")
      target.postMessage({ type: "TOKEN_EXCHANGE_RESPONSE", payload: { accessToken: "evil", refreshToken: "evil" } }, "*")
    }
    opened.postMessage("last", "*")
  }
</script>`
