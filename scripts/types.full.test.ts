// The tests of the types run with the TypeScript that is installed.
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { runToEnd } from "./processes.ts"

it("types are tested with the TypeScript of the lock file: none is downloaded", async () => {
  const home = Fs.mkdtempSync(Path.join(Os.tmpdir(), "effect-spotnana-"))
  onTestFinished(() => Fs.rmSync(home, { force: true, recursive: true }))
  const { status, stdout } = await runToEnd(process.execPath, ["scripts/types.ts", "Credentials"], {
    env: { PATH: process.env["PATH"], HOME: home, LocalAppData: home, XDG_DATA_HOME: home }
  })
  expect(stdout).toContain("uses TypeScript 6.0.3")
  expect({ home: Fs.readdirSync(home), status }).toEqual({ home: [], status: 0 })
  expect(Fs.existsSync(".generated/tstyche")).toBe(false)
})
