/** The program in a page of a browser: bundled, served beside the API, and run. */
import { Effect } from "effect"
import type { Scope } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Path from "node:path"
import { rolldown } from "rolldown"
import { launch } from "../../scripts/chromium.ts"
import { seen, serve } from "../support/serve.ts"
import { scenario } from "./life.ts"
import type { Outcome } from "./life.ts"

export interface Bundle {
  readonly code: string
  /** What it still imports. */
  readonly imports: ReadonlyArray<string>
  /** The files that it is made of. */
  readonly modules: ReadonlyArray<string>
  /** What the bundler had to say. */
  readonly warnings: ReadonlyArray<string>
}

export const bundle = async (file: string): Promise<Bundle> => {
  const warnings: Array<string> = []
  const build = await rolldown({
    input: Path.resolve(file),
    platform: "browser",
    onLog: (_level, log) => warnings.push(log.message)
  })
  const { output: [chunk] } = await build.generate({ format: "esm", minify: true })
  await build.close()
  return { code: chunk.code, imports: chunk.imports, modules: chunk.moduleIds, warnings }
}

// A browser asks for an icon unless it has one.
const blank = "<!doctype html><title>page</title><link rel=icon href=data:,>"

/** Lives the life of a token in a page of the origin that the API is at. */
export const live: Effect.Effect<Outcome, unknown, Scope.Scope> = Effect.gen(function*() {
  const { code } = yield* Effect.promise(() => bundle("examples/runtimes/page.ts"))
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
