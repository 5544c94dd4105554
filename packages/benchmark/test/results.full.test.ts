import { execFile } from "node:child_process"
import * as Fs from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"
import { promisify } from "node:util"
import { describe, expect, it, onTestFinished } from "vitest"
import { documentOf, withResult, write } from "../src/results.ts"
import type { Result } from "../src/results.ts"
import type { Report } from "../src/Scenario.ts"
import { named } from "./support/extent.ts"

const resultOf = (title: string, report: Partial<Report>): Result => ({
  scenario: { id: "growth", title, what: `What ${title} is.`, run: () => Promise.reject(new Error("not to be run")) },
  report: { columns: ["client", "time"], rows: [], goals: [], notes: [], ...report }
})

const plot = { file: "times.svg", title: "Times", svg: "<svg/>" }

describe("the document", () => {
  const results = [
    resultOf("Speed", {
      rows: [["a|b", "1 ms"]],
      goals: [{ goal: "fast", figure: "1 ms", met: true }, { goal: "faster", figure: "2 ms", met: false }],
      notes: ["Nothing else ran."]
    }),
    resultOf("Growth", { plots: [plot] })
  ]
  const document = documentOf(results, [named("tinybench", ["tinybench", "@effect-spotnana/core"])], 12.4, [
    { goal: "quick", figure: "90 s", met: true }
  ])

  it("has the goals of all, met or missed, first", () => {
    const [goals] = document.split("## Who is measured")
    expect(goals).toContain(
      "| Speed | fast | 1 ms | met |\n| Speed | faster | 2 ms | **missed** |\n| This benchmark | quick | 90 s | met |"
    )
    expect(goals).toContain("in 12 minutes, where a section does not say otherwise.")
  })

  it("names the versions that are installed, and not its own", () => {
    expect(document).toMatch(/\| tinybench \| `tinybench` \d+\.\d+\.\d+, `@effect-spotnana\/core`, of this tree \|/)
    expect(() => documentOf([], [named("none", ["not-installed"])], 1)).toThrow("not-installed is not installed")
  })

  it("has a table, its goals, its pictures and its notes of each scenario", () => {
    const [, speed, growth] = document.split(/^## (?:Speed|Growth)$/m)
    expect(speed).toContain("What Speed is.\n\n| client | time |\n| --- | --- |\n| a\\|b | 1 ms |")
    expect(speed).toContain("| faster | 2 ms | **missed** |\n\n- Nothing else ran.")
    expect(growth).toContain("![Times](results/times.svg)")
    expect(growth).not.toContain("goal")
  })

  it("has one scenario measured anew in place of what it had of it, and keeps the rest", () => {
    const again = resultOf("Speed", { rows: [["a", "3 ms"]], goals: [{ goal: "fast", figure: "3 ms", met: false }] })
    const updated = withResult(document, again)
    expect(updated).toContain(
      "| --- | --- | --- | --- |\n| Speed | fast | 3 ms | **missed** |\n| This benchmark | quick | 90 s | met |\n\n"
    )
    expect(updated).toMatch(
      /## Speed\n\nMeasured by `npx pnpm@10 bench --update growth` on [\d-]+\.\n\nWhat Speed is\./
    )
    expect(updated).not.toContain("Nothing else ran.")
    expect(updated.split("## Growth")[1]).toBe(document.split("## Growth")[1])
    expect(() => withResult(document, resultOf("Size", {}))).toThrow("RESULTS.md has no section \"Size\"")
  })

  it("takes the place of the one before, pictures and all", async () => {
    const directory = await Fs.mkdtemp(Path.join(Os.tmpdir(), "results-"))
    onTestFinished(() => Fs.rm(directory, { recursive: true }))
    write(directory, "old", [{ ...plot, file: "old.svg" }])
    write(directory, document, [plot])
    expect(await Fs.readFile(Path.join(directory, "RESULTS.md"), "utf8")).toBe(document)
    expect(await Fs.readdir(Path.join(directory, "results"))).toEqual(["times.svg"])
  })
})

describe("the command", () => {
  const main = Path.join(import.meta.dirname, "../src/main.ts")
  const run = (...args: ReadonlyArray<string>) =>
    promisify(execFile)(process.execPath, [main, ...args]).then(
      ({ stdout }) => ({ code: 0, stdout, stderr: "" }),
      (error: { readonly code: number; readonly stdout: string; readonly stderr: string }) => error
    )

  it.each([[["nothing"], "There is no scenario nothing."], [["--fast"], "Unknown option '--fast'"]])(
    "refuses %s, and says what there is",
    async (args, said) => {
      const { code, stderr, stdout } = await run(...args)
      expect([code, stdout]).toEqual([2, ""])
      expect(stderr).toContain(said)
      expect(stderr).toContain("npx pnpm@10 bench [--quick] [--update] [scenario…]")
      expect(stderr).toContain("hotPath, throughput, stampede")
    }
  )

  it("prints one scenario, and writes nothing", async () => {
    const { code, stdout } = await run("--quick", "revocation")
    expect(code).toBe(0)
    expect(stdout).toMatch(/^\| effect-spotnana +\|/m)
    expect(stdout).toContain("2 of 2 goals met.")
  })
})
