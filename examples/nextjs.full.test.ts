// The application of Next.js is built and served: its `fetch` is replaced by one that stores answers on disk.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { createInterface } from "node:readline"
import { disguises } from "../packages/core/test/support/audit.ts"
import { endWithTest, inGroup, runToEnd } from "../scripts/processes.ts"
import { seen, serve } from "./support/serve.ts"
import type { Served } from "./support/serve.ts"

const directory = Path.resolve("examples/nextjs")
const next = Path.join(directory, "node_modules/next/dist/bin/next")
/** The pages, with the query of the call that each makes. */
const pages = [["/", "limit=1"], ["/forced", "limit=2"]] as const

const environment = ({ variables }: Served) => ({
  ...process.env,
  ...variables,
  NODE_ENV: "production",
  NEXT_TELEMETRY_DISABLED: "1"
})

const build = (spotnana: Served) =>
  Effect.promise(async () => {
    Fs.rmSync(Path.join(directory, ".next"), { force: true, recursive: true })
    const options = { cwd: directory, env: environment(spotnana) }
    const { status, stderr, stdout } = await runToEnd(process.execPath, [next, "build"], options)
    assert.strictEqual(status, 0, stdout + stderr)
    return stdout
  })

/** Serves what was built; the address. */
const start = (spotnana: Served) =>
  Effect.promise(async () => {
    const child = endWithTest(
      spawn(process.execPath, [next, "start", "--hostname", "127.0.0.1", "--port", "0"], {
        ...inGroup,
        cwd: directory,
        env: environment(spotnana),
        stdio: ["ignore", "pipe", "inherit"]
      })
    )
    for await (const line of createInterface({ input: child.stdout })) {
      const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? []
      if (address !== undefined) return address
    }
    throw new Error("It ended without an address")
  })

/** All that is on disk, caches included. */
const stored = () =>
  Fs.globSync("**/*", { cwd: Path.join(directory, ".next") })
    .map((file) => Path.join(directory, ".next", file))
    .filter((file) => Fs.statSync(file).isFile())
    .map((file) => Fs.readFileSync(file, "latin1"))

/** Secret and tokens are in no file in any form, and the answers of the API are. */
const assertNothingSecretIsStored = ({ mock, variables }: Served) =>
  Effect.gen(function*() {
    const files = stored()
    const isStored = (text: string) => disguises(text).some((form) => files.some((file) => file.includes(form)))
    const tokens = (yield* mock.ledger).flatMap(({ token }) => token === undefined ? [] : [Redacted.value(token)])
    assert.isTrue(isStored("\"name\":\"Company 1\""), "the answer of the API is stored")
    assert.isNotEmpty(tokens)
    for (const secret of [variables.SPOTNANA_CLIENT_SECRET, ...tokens]) {
      assert.isFalse(isStored(secret), "invariant 9: neither secret nor token is stored")
    }
  })

describe("nextjs", () => {
  it.live("pages that are made anew stay static, no token is stored, and a revoked one is replaced", () =>
    Effect.gen(function*() {
      const spotnana = yield* serve()
      const built = yield* build(spotnana)
      for (const [page] of pages) assert.match(built, new RegExp(`○ ${page} +1s`))
      assert.deepStrictEqual((yield* seen(spotnana.mock)).filter((entry) => !entry.startsWith("api 1")), ["token 1"])
      yield* assertNothingSecretIsStored(spotnana)

      yield* spotnana.mock.clearLedger
      const address = yield* start(spotnana)
      /** A page that is too old is shown once more, and made anew meanwhile: each was, since a call with this answer. */
      const madeAnewSince = (status: number) =>
        Effect.gen(function*() {
          for (const [page] of pages) {
            const response = yield* Effect.promise(() => fetch(address + page))
            assert.strictEqual(response.status, 200)
            const html = yield* Effect.promise(() => response.text())
            assert.include(html.replaceAll("<!-- -->", ""), "<p>120 companies</p>")
          }
          const calls = (yield* spotnana.mock.ledger).filter(({ endpoint }) => endpoint === "api")
          const since = calls.slice(calls.findIndex((call) => call.status === status))
          return calls.some((call) => call.status === status) &&
            pages.every(([, query]) => since.some((call) => call.status === 200 && call.query.includes(query)))
        }).pipe(Effect.delay("200 millis"), Effect.repeat({ until: (isDone) => isDone }))
      yield* madeAnewSince(200)
      yield* spotnana.mock.revokeTokens
      yield* madeAnewSince(401)
      yield* assertNothingSecretIsStored(spotnana)
    }).pipe(Effect.scoped))
})
