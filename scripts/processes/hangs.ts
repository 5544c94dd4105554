// Tests that are timed out while they wait for a process that never ends. They are run by `processes.full.test.ts` only.
import { spawn } from "node:child_process"
import { appendFileSync, readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { endWithTest, inGroup, runToEnd } from "../processes.ts"
import { isRunning } from "./isRunning.ts"

const pids = process.env["PIDS"]!

// A process with a process of its own, both of which go on for an hour.
const script = `
const { spawn } = require("node:child_process")
const { appendFileSync } = require("node:fs")
const child = spawn("sleep", ["3600"], { stdio: "ignore" })
appendFileSync(${JSON.stringify(pids)}, process.pid + "\\n" + child.pid + "\\n")
setInterval(() => {}, 1000)
`

describe("a test that is timed out", () => {
  it("while it waits for the end of a command", () => runToEnd(process.execPath, ["--eval", script]))

  it("while it waits for what a process never says", () => {
    const child = endWithTest(spawn(process.execPath, ["--eval", script], { ...inGroup, stdio: "pipe" }))
    return new Promise((resolve) => child.stdout.once("data", resolve))
  })

  it("leaves nothing behind for the next test to see", () => {
    const started = readFileSync(pids, "utf8").trim().split("\n").map(Number)
    expect(started.length).toBe(4)
    expect(started.filter(isRunning)).toEqual([])
  })
})

describe.runIf(process.env["FOREVER"] !== undefined)("a run that is killed", () => {
  it("in the middle of a test", { timeout: 3_600_000 }, () => {
    appendFileSync(pids, `${process.pid}\n`)
    return runToEnd(process.execPath, ["--eval", script])
  })
})
