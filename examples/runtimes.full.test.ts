// The table of docs/runtimes.md, cell by cell: the same program on each of them, over real sockets.
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Scope } from "effect"
import * as Fs from "node:fs"
import { isBuiltin } from "node:module"
import { reportFigure } from "../packages/core/test/support/figures.ts"
import { firstProgram } from "../scripts/size/measure.ts"
import * as Browser from "./runtimes/browser.ts"
import { bundle } from "./runtimes/bundle.ts"
import { live, share } from "./runtimes/life.ts"
import type { Outcome } from "./runtimes/life.ts"
import { columns, nameOf, rows, table } from "./runtimes/matrix.ts"
import type { Column, Row } from "./runtimes/matrix.ts"
import { chromium, isThere, workerd } from "./runtimes/runtimes.ts"
import * as Workerd from "./runtimes/workerd.ts"

/** Done once, for all the cells that look at it. */
const once = <A>(effect: Effect.Effect<A, unknown, Scope.Scope>): () => Promise<A> => {
  let done: Promise<A> | undefined
  return () => done ??= Effect.runPromise(Effect.scoped(effect))
}

const sharing = once(share([
  ...new Set(rows.flatMap(({ cells, runtime }) => cells.shares === "yes" && isThere(runtime) ? [runtime] : []))
]))

/** What a cell says, by its column and by what it says. `installed` is held by scripts/pack.full.test.ts. */
const checks: {
  readonly [_ in `${Column}: ${"yes" | "no"}`]?: (row: Row, outcome: () => Promise<Outcome>) => Promise<void>
} = {
  "acquires: yes": async (_, outcome) => {
    const { lines, seen } = await outcome()
    assert.include(lines, "called: 200")
    assert.deepStrictEqual(seen.slice(0, 2), ["token 1", "api 1"])
  },
  "acquires: no": async (_, outcome) => {
    const { end, lines, seen } = await outcome()
    assert.deepStrictEqual({ exitCode: end?.exitCode, lines, seen }, { exitCode: 1, lines: [], seen: [] })
  },
  "replays: yes": async (_, outcome) => {
    const { lines, seen } = await outcome()
    assert.include(lines, "replayed: 200")
    assert.deepStrictEqual(seen.slice(2, 5), ["api 1 401", "token 2", "api 2"])
  },
  "renews: yes": async (_, outcome) => {
    const { lines, seen } = await outcome()
    assert.include(lines, "renewed: 200")
    assert.deepStrictEqual(seen.slice(5, 7), ["token 3", "api 3"])
  },
  "resumes: yes": async ({ cells }, outcome) => {
    const { lines, seen } = await outcome()
    assert.include(lines, "thawed: 200")
    const last = cells.renews === "yes" ? 4 : 3
    const fresh = [`token ${last}`, `api ${last}`]
    assert.deepStrictEqual(seen.slice(2 * last - 1), fresh, "invariant 10: the one before is dead, and not sent")
  },
  "ends: yes": async (_, outcome) => {
    const { end } = await outcome()
    assert.deepStrictEqual(end, { exitCode: 0, stderr: "" }, "invariant 11")
  },
  "shares: yes": async ({ runtime }) => {
    const rounds = await sharing()
    const { answers, seen } = rounds.find(({ first }) => first === runtime)!
    assert.deepStrictEqual(answers, rounds.map(() => "called: 200"))
    // The first of all finds an empty directory, the others a token that was revoked. One process finds that out, and
    // all have what it fetches.
    const [token, ...calls] = seen.filter((what) => !what.endsWith("401"))
    assert.deepStrictEqual(calls, rounds.map(() => token!.replace("token", "api")))
    assert.strictEqual(seen.length - calls.length, runtime === rounds[0]!.first ? 1 : 2)
  }
}

const liveIn = (row: Row) =>
  row.runtime === chromium ? Browser.live : row.runtime === workerd ? Workerd.live : live(row)
const outcomes = new Map(rows.map((row) => [row, once(liveIn(row))]))

// Ten programs at a time: only for a machine that is slow, and for a test that hangs.
describe.concurrent("the table of runtimes", { timeout: 120_000 }, () => {
  // Most of their time they wait. Who looks at them is told what went wrong.
  beforeAll(() => {
    const things = [sharing, ...[...outcomes].flatMap(([{ runtime }, outcome]) => isThere(runtime) ? [outcome] : [])]
    for (const thing of things) thing().catch(() => {})
  })

  for (const row of rows) {
    const { cells, runtime } = row
    const claims = columns.map((column) => `${column}: ${cells[column]}` as keyof typeof checks)

    describe.skipIf(!isThere(runtime))(`on ${nameOf(row)}`, () => {
      it("is of the version that is named", (context) => {
        // Of a browser none is.
        assert.strictEqual(runtime.installed ?? "none", runtime.version)
        const figure = claims.filter((claim) => claim in checks).length
        reportFigure(context, {
          of: `checks on ${nameOf(row)}`,
          figure: String(figure),
          claim: "as in docs/runtimes.md"
        })
      })

      for (const claim of claims.filter((claim) => claim in checks)) {
        it(`${claim}`, () => checks[claim]!(row, outcomes.get(row)!))
      }
    })
  }

  it("is run, but for what is not", () => {
    const cells = rows.flatMap(({ cells }) => columns.map((column) => `${column}: ${cells[column]}`))
    const others = new Set(cells.filter((cell) => !cell.endsWith("–") && !(cell in checks)))
    assert.deepStrictEqual([...others], ["installed: yes"])
  })

  it("is the one in docs/runtimes.md", () => {
    assert.include(
      Fs.readFileSync("docs/runtimes.md", "utf8"),
      `\n${table}\n`,
      `docs/runtimes.md should have\n${table}\n`
    )
  })
})

describe("a bundle for browsers", () => {
  const written = ".generated/first-program.ts"

  it.each([written, "examples/runtimes/page.ts"])(
    "of %s has nothing of Node in it, and imports nothing",
    async (file) => {
      Fs.mkdirSync(".generated", { recursive: true })
      Fs.writeFileSync(written, firstProgram())
      const { imports, modules, warnings } = await bundle(file, "browser")
      assert.deepStrictEqual({ imports, warnings }, { imports: [], warnings: [] })
      assert.include(modules.join(), "SpotnanaHttpClient.ts")
      assert.deepStrictEqual(modules.filter((module) => isBuiltin(module) || module.includes("platform-node")), [])
    }
  )

  it("of a program that needs Node is told apart", async () => {
    const { imports, warnings } = await bundle("examples/first-program.ts", "browser")
    assert.isNotEmpty([...imports, ...warnings])
  })
})
