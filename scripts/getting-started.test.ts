// The programs of README.md and docs/getting-started.md, run as the pages say to run them.
import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { endWithTest, inGroup, runToEnd } from "./processes.ts"

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
    const variables = {
      SPOTNANA_CLIENT_ID: "me",
      SPOTNANA_CLIENT_SECRET: "a-secret-of-this-machine",
      SPOTNANA_BASE_URL: address
    }
    expect(await start("companies.ts", variables)).toBe("Company 1\nCompany 2\nCompany 3\n120 companies in all\n")
  })

  it("names the variable that is missing, in the words of the page", async () => {
    const printed = await start("companies.ts", {})
    const said = "SPOTNANA_CLIENT_ID is not set; expected the client id of a Spotnana API user"
    expect(printed).toContain(said)
    expect(Fs.readFileSync("docs/getting-started.md", "utf8")).toContain(`\`${said}\``)
  })
})

/** The commands of a document, but for those that need a network: what they install is linked to. */
const pasted = (file: string) => {
  const document = Fs.readFileSync(file, "utf8")
  const lines = document.split("\n")
  const commands = lines.filter((line) => /^(npm init|npm install effect)/.test(line))
  const [, name = "", program = ""] = /`(\S+\.ts)`.*:\n\n```ts\n([^]*?)^```$/m.exec(document) ?? []
  return { commands, name, program, start: lines.find((line) => line.startsWith("node ")) }
}

describe.each(["README.md", "docs/getting-started.md", "packages/core/README.md"])("the first lines of %s", (file) => {
  const { commands, name, program } = pasted(file)

  it("install what the program imports, at versions that fit together", () => {
    const install = commands.find((line) => line.startsWith("npm install"))!
    const names = [...program.matchAll(/from "((?:@[\w-]+\/)?[\w-]+)/g)].map(([, name]) => name!)
    const installed = install.split(" ").slice(2)
    expect(installed.map((word) => word.replace(/(?<=.)@\^.*$/, "")).toSorted()).toEqual([...new Set(names)].toSorted())
    // Without a version npm takes the newest major of effect, which may be one that the library does not know.
    expect(installed).toContain("effect@^4.1.0")
  })

  it("name the file, and make a package of ES modules", () => {
    expect(name).toBe("companies.ts")
    const document = Fs.readFileSync(file, "utf8")
    expect(document).toContain("npm pkg set type=module")
    expect(document).toContain("22.19")
  })
})

it.each(["README.md", "docs/getting-started.md"])(
  "whoever pastes the lines of %s into an empty directory has a program that says which variable is missing, and exits with 1",
  async (file) => {
    const { commands, name, program } = pasted(file)
    const empty = Fs.mkdtempSync(Path.join(Path.resolve(directory), "pasted-"))
    const environment = { PATH: process.env["PATH"], HOME: empty, npm_config_update_notifier: "false" }
    const init = commands.find((line) => line.startsWith("npm init"))!
    const { status: initialized, stderr } = await runToEnd("sh", ["-c", init], { cwd: empty, env: environment })
    expect({ initialized, stderr }).toEqual({ initialized: 0, stderr: "" })
    Fs.writeFileSync(Path.join(empty, name), program)
    const { status, stdout } = await runToEnd(process.execPath, [name], { cwd: empty, env: environment })
    expect(stdout).toContain("SPOTNANA_CLIENT_ID is not set")
    expect(status).toBe(1)
    Fs.rmSync(empty, { recursive: true })
  }
)
