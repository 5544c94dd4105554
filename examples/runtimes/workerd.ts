/** A Cloudflare Worker in workerd: a program in one bundle, which answers requests at an address of its own. */
import { Clock, Effect } from "effect"
import type { Scope } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { start } from "../support/process.ts"
import type { Conversation } from "../support/process.ts"
import { seen, serve } from "../support/serve.ts"
import { bundle } from "./bundle.ts"
import { lifetime, scenario } from "./life.ts"
import type { Outcome } from "./life.ts"
import { workerd } from "./runtimes.ts"

export interface Worker extends Conversation {
  readonly url: string
  /** The code that it runs. */
  readonly code: string
}

// It may speak with this machine only. Cap'n Proto writes text as JSON does.
const config = (variables: Readonly<Record<string, string>>) => `
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "worker", worker = (
      modules = [(name = "worker.mjs", esModule = embed "worker.mjs")],
      compatibilityDate = "2024-11-11",
      bindings = [${
  Object.entries(variables).map(([name, text]) => `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(text)})`)
    .join(", ")
}],
      globalOutbound = "local"
    )),
    (name = "local", network = (allow = ["local"]))
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "worker")]
);
`

/** Starts it with these variables. */
export const serveWorker = (
  file: string,
  variables: Readonly<Record<string, string>>
): Effect.Effect<Worker, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const { code } = yield* Effect.promise(() => bundle(file, "browser"))
    const directory = yield* Effect.acquireRelease(
      Effect.sync(() => {
        Fs.mkdirSync(".generated", { recursive: true })
        return Fs.mkdtempSync(Path.resolve(".generated/worker-"))
      }),
      (directory) => Effect.sync(() => Fs.rmSync(directory, { recursive: true }))
    )
    Fs.writeFileSync(Path.join(directory, "worker.mjs"), code)
    Fs.writeFileSync(Path.join(directory, "config.capnp"), config(variables))
    const args = ["serve", "--control-fd=1", Path.join(directory, "config.capnp")]
    const process = yield* start(workerd.command, args, {})
    const line = yield* Effect.repeat(process.hear, { until: (line) => line.includes("\"listen\"") })
    const { port } = JSON.parse(line)
    return { ...process, code, url: `http://127.0.0.1:${port}` }
  })

/** Lives the life of a token in it, but for a renewal without a call: it runs for the time of a request. */
export const live: Effect.Effect<Outcome, unknown, Scope.Scope> = Effect.gen(function*() {
  const { mock, variables } = yield* serve(scenario())
  const worker = yield* serveWorker("examples/runtimes/worker.ts", { ...variables, MODE: "isolated" })
  const lines: Array<string> = []
  const call = (what: string) =>
    Effect.promise(async () => {
      const { status } = await fetch(worker.url)
      lines.push(`${what}: ${status}`)
    })
  yield* call("called")
  yield* call("replayed")
  yield* worker.freeze
  const second = (yield* mock.ledger).findLast(({ endpoint }) => endpoint === "token")!
  yield* Effect.sleep(second.at + lifetime - (yield* Clock.currentTimeMillis))
  yield* worker.thaw
  yield* call("thawed")
  return { lines, seen: yield* seen(mock), end: undefined }
})
