// The programs of docs/getting-started.md, run as the page says to run them.
import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { endWithTest, inGroup } from "./processes.ts"

// Below the workspace, so that its packages are found as installed ones would be.
const directory = ".generated/getting-started"

const programs = new Map(
  [...Fs.readFileSync("docs/getting-started.md", "utf8").matchAll(/^`(\S+\.ts)`:\n\n```ts\n([^]*?)^```$/gm)]
    .map(([, file = "", source = ""]) => [file, source])
)

const children: Array<ChildProcess> = []

/** Starts a program with these variables and no others. What it prints is told until its end or until it is enough. */
const start = (file: string, variables: NodeJS.ProcessEnv, enough?: RegExp): Promise<string> => {
  const child = endWithTest(
    spawn(process.execPath, [Path.join(directory, file)], { ...inGroup, env: variables, stdio: "pipe" })
  )
  children.push(child)
  return new Promise((resolve) => {
    let printed = ""
    const take = (data: Buffer) => {
      printed += String(data)
      if (enough?.test(printed)) resolve(printed)
    }
    child.stdout.on("data", take)
    child.stderr.on("data", take)
    child.on("close", () => resolve(printed))
  })
}

describe("getting started", () => {
  let address = ""

  beforeAll(async () => {
    Fs.mkdirSync(directory, { recursive: true })
    // A port that is free in place of one that may not be.
    for (const [file, source] of programs) {
      Fs.writeFileSync(Path.join(directory, file), source.replace("port: 8080", "port: 0"))
    }
    const printed = await start("spotnana.ts", {}, /Listening on \S+/)
    address = /Listening on (\S+)/.exec(printed)?.[1] ?? printed
  })

  afterAll(() => children.forEach((child) => child.kill()))

  it("calls the mock, and prints the first companies and how many there are", async () => {
    const variables = { SPOTNANA_CLIENT_ID: "me", SPOTNANA_CLIENT_SECRET: "secret", SPOTNANA_BASE_URL: address }
    expect(await start("companies.ts", variables)).toBe("Company 1\nCompany 2\nCompany 3\n120 companies in all\n")
  })

  it("names the variable that is missing, in the words of the page", async () => {
    const printed = await start("companies.ts", {})
    const said = "SPOTNANA_CLIENT_ID is not set; expected the client id of a Spotnana API user"
    expect(printed).toContain(said)
    expect(Fs.readFileSync("docs/getting-started.md", "utf8")).toContain(`\`${said}\``)
  })
})
