// Debian's Chromium, for what a browser has to say.
import * as Fs from "node:fs"
import { chromium } from "playwright-core"
import type { Browser } from "playwright-core"

export const executablePath = "/usr/bin/chromium"

/** Whether it can be had. Under `CI` its absence is a failed test, and no skipped one. */
export const isThere = Fs.existsSync(executablePath) || process.env.CI !== undefined

/** Root may not have a sandbox, and the machine no graphics. The rest keeps the browser from calling home. */
export const launchWith = (flags: ReadonlyArray<string>): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...flags
    ]
  })

export const launch = (): Promise<Browser> => launchWith([])
