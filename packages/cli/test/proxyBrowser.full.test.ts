import { expect, layer } from "@effect/vitest"
import { Effect } from "effect"
import { once } from "node:events"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { isThere, launch, launchWith } from "../../../scripts/chromium.ts"
import { Proxied, proxied } from "./support/proxy.ts"

/** A page that tries whatever a page can to have a request made. */
const page = (target: string) =>
  `<!doctype html><title>evil</title><body><script>
  const target = ${JSON.stringify(target)}
  const tries = [
    fetch(target),
    fetch(target, { mode: "no-cors" }),
    fetch(target, { mode: "no-cors", method: "POST", body: "{}", headers: { "content-type": "text/plain" } }),
    fetch(target, { credentials: "include", headers: { "x-trigger": "preflight" } }),
    ...["img", "script", "iframe", "link"].map((name) => new Promise((resolve, reject) => {
      const element = document.createElement(name)
      if (name === "link") element.rel = "stylesheet"
      element[name === "link" ? "href" : "src"] = target
      element.onload = resolve
      element.onerror = reject
      document.body.append(element)
    })),
    Promise.resolve(navigator.sendBeacon(target, "x"))
  ]
  Promise.allSettled(tries).then((all) => { document.title = all.map(({ status }) => status).join() })
</script>
<form method="POST" action="${target}"></form><a href="${target}">link</a>`

layer(proxied(), { excludeTestServices: true, timeout: "30 seconds" })("in front of a browser", (it) => {
  it.effect.skipIf(!isThere)("no page has a request made, and its user has", () =>
    Effect.gen(function*() {
      const { mock, running, url } = yield* Proxied
      yield* Effect.acquireUseRelease(
        Effect.promise(launch),
        (browser) =>
          Effect.promise(async () => {
            const evil = Http.createServer((_, response) => {
              response.setHeader("content-type", "text/html")
              response.end(page(`${url}/v2/companies?limit=1`))
            }).listen(0, "127.0.0.1")
            await once(evil, "listening")
            const { port } = evil.address() as AddressInfo
            // To a browser the first is the same site as the proxy, and the second is another one.
            for (const host of ["127.0.0.1", "localhost"]) {
              const tab = await browser.newPage()
              await tab.goto(`http://${host}:${port}/`)
              await tab.waitForFunction("document.title !== 'evil'")
              await tab.close()
              for (const action of ["document.forms[0].submit()", "document.links[0].click()"]) {
                const tab = await browser.newPage()
                await tab.goto(`http://${host}:${port}/`)
                const answered = tab.waitForResponse((response) =>
                  response.url().startsWith(url) && response.frame() === tab.mainFrame() &&
                  response.request().isNavigationRequest()
                )
                await tab.evaluate(action)
                expect([host, action, (await answered).status()]).toEqual([host, action, 403])
                await tab.close()
              }
            }
            evil.closeAllConnections()
            evil.close()
          }).pipe(
            Effect.andThen(Effect.gen(function*() {
              expect(yield* mock.apiRequests).toBe(0)
              expect(running.stderr()).toMatch(/403 POST \/v2\/companies \d+ ms, WEB_PAGE/)
              const status = yield* Effect.promise(async () => {
                const tab = await browser.newPage()
                return (await tab.goto(`${url}/v2/companies?limit=1`))?.status()
              })
              expect(status).toBe(200)
            }))
          ),
        (browser) => Effect.promise(() => browser.close())
      )
    }))
})

/** Opens the page in a browser that finds every name on this machine. */
const openPage = (target: string) =>
  Effect.acquireUseRelease(
    Effect.promise(() => launchWith(["--host-resolver-rules=MAP *.example 127.0.0.1"])),
    (browser) =>
      Effect.promise(async () => {
        const evil = Http.createServer((_, response) => {
          response.setHeader("content-type", "text/html")
          response.end(page(target))
        }).listen(0, "127.0.0.1")
        await once(evil, "listening")
        const { port } = evil.address() as AddressInfo
        const tab = await browser.newPage()
        await tab.goto(`http://evil.example:${port}/`)
        await tab.waitForFunction("document.title !== 'evil'")
        evil.closeAllConnections()
        evil.close()
      }),
    (browser) => Effect.promise(() => browser.close())
  )

const env = { SPOTNANA_PROXY_KEY: "k3y-that-nobody-guesses" }

// Chromium does not say that a request to the first is from a page. So the proxy requires the key.
for (
  const [name, refusal] of [["dev.example", /401 GET .+KEY_REQUIRED/], ["app.localhost", /403 GET .+WEB_PAGE/]] as const
) {
  layer(proxied(["--allow-host", name], { env }), { excludeTestServices: true, timeout: "30 seconds" })(
    `in front of a browser, as ${name}`,
    (it) => {
      it.effect.skipIf(!isThere)(
        "no page has a request made under a name of --allow-host",
        () =>
          Effect.gen(function*() {
            const { mock, port, running } = yield* Proxied
            yield* openPage(`http://${name}:${port}/v2/companies?limit=1`)
            expect(running.stderr()).toMatch(refusal)
            expect(yield* mock.apiRequests).toBe(0)
          })
      )
    }
  )
}
