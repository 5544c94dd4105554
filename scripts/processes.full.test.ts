// A test that is timed out, or whose run is killed, leaves no process behind.
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { text } from "node:stream/consumers"
import { beforeEach, describe, expect, it, vi } from "vitest"
import { endWithTest, inGroup } from "./processes.ts"
import { isRunning } from "./processes/isRunning.ts"

const directory = Path.resolve(".generated/processes")
const file = Path.join(directory, "pids")

const started = (): ReadonlyArray<number> =>
  Fs.existsSync(file) ? Fs.readFileSync(file, "utf8").trim().split("\n").map(Number) : []

const startRun = (variables: NodeJS.ProcessEnv = {}) =>
  endWithTest(
    spawn(
      process.execPath,
      ["node_modules/vitest/vitest.mjs", "run", "--config", "scripts/processes/vitest.config.ts"],
      { ...inGroup, env: { ...process.env, NO_COLOR: "1", PIDS: file, ...variables }, stdio: "pipe" }
    )
  )

const ended = (pids: ReadonlyArray<number>) =>
  vi.waitFor(() => expect(pids.filter(isRunning)).toEqual([]), { timeout: 30_000, interval: 50 })

describe.runIf(process.platform === "linux")("a process that a test has started", { timeout: 120_000 }, () => {
  beforeEach(() => {
    Fs.rmSync(directory, { force: true, recursive: true })
    Fs.mkdirSync(directory, { recursive: true })
  })

  it("ends with its test when that is timed out, and so does what it has started itself", async () => {
    const run = startRun()
    const printed = await text(run.stdout)
    expect(printed).toMatch(/Tests .*2 failed.* \| .*1 passed.* \| .*1 skipped/)
    expect(started().length).toBe(4)
    await ended(started())
  })

  it("ends when the run is killed in the middle of its test", async () => {
    const run = startRun({ FOREVER: "yes" })
    await vi.waitFor(() => expect(started().length).toBe(7), { timeout: 60_000, interval: 50 })
    expect(started().slice(4).filter(isRunning).length).toBe(3)
    run.kill("SIGKILL")
    await ended(started())
  })
})
