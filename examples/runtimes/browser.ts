/** The program in a page of a browser: bundled, served beside the API, and run. */
import { Effect } from "effect"
import type { Scope } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { launch } from "../../scripts/chromium.ts"
import { seen, serve } from "../support/serve.ts"
import { bundle } from "./bundle.ts"
import { scenario } from "./life.ts"
import type { Outcome } from "./life.ts"

// A browser asks for an icon unless it has one.
const blank = "<!doctype html><title>page</title><link rel=icon href=data:,>"

/** Lives the life of a token in a page of the origin that the API is at. */
export const live: Effect.Effect<Outcome, unknown, Scope.Scope> = Effect.gen(function*() {
  const { code } = yield* Effect.promise(() => bundle("examples/runtimes/page.ts", "browser"))
  const { mock, variables } = yield* serve((mock) => {
    const api = scenario()(mock)
    return Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) => {
      if (url === "/") return Effect.succeed(HttpServerResponse.html(blank))
      if (url === "/page.js") return Effect.succeed(HttpServerResponse.text(code, { contentType: "text/javascript" }))
      return api
    })
  })
  const browser = yield* Effect.acquireRelease(
    Effect.promise(launch),
    (browser) => Effect.promise(() => browser.close())
  )
  const lines: Array<string> = []
  yield* Effect.promise(async () => {
    const page = await browser.newPage()
    page.on("console", (message) => lines.push(message.text()))
    await page.goto(variables.SPOTNANA_BASE_URL)
    // As text: the test runner would rewrite an `import` in a function.
    await page.evaluate(`import("/page.js").then(({ run }) => run(${JSON.stringify(variables)}))`)
  })
  return { lines, seen: yield* seen(mock), end: undefined }
})
