// What the registry would get: each public package is packed, judged, and used by an application of its own.
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { rows } from "../examples/runtimes/matrix.ts"
import { isThere } from "../examples/runtimes/runtimes.ts"
import root from "../package.json" with { type: "json" }
import cli from "../packages/cli/package.json" with { type: "json" }
import effect3 from "../packages/effect3/package.json" with { type: "json" }
import * as processes from "./processes.ts"
import { firstProgram } from "./size/measure.ts"

const packages = Fs.globSync("packages/*/package.json")
  .map((file) => ({ directory: Path.dirname(file), manifest: JSON.parse(Fs.readFileSync(file, "utf8")) }))
  .filter(({ manifest }) => manifest.private !== true)
  .map(({ directory, manifest }) => ({
    directory,
    name: String(manifest.name),
    // A library is imported by its index, an application is started.
    entry: manifest.bin === undefined ? "index" : "main"
  }))
const libraries = packages.filter(({ entry }) => entry === "index")

// An application has one `effect`: that of Effect 3 is another one than that of the others.
const isOfEffect4 = ({ name }: { readonly name: string }): boolean => name !== effect3.name

const run = async (cwd: string, command: string, ...args: ReadonlyArray<string>): Promise<string> => {
  const { status, stderr, stdout } = await processes.runToEnd(command, args, { cwd })
  expect(status, `${command} ${args.join(" ")}\n${stdout}${stderr}`).toBe(0)
  return stdout
}

/** A program that only this file needs. */
const tool = (name: string): string => Path.resolve("scripts/packed/node_modules/.bin", name)

const temporary = Fs.mkdtempSync(Path.join(Os.tmpdir(), "effect-spotnana-"))
const tarballs = new Map<string, string>()

beforeAll(async () => {
  for (const { directory, name } of packages) {
    const tarball = Path.join(temporary, `${Path.basename(directory)}.tgz`)
    await run(directory, "pnpm", "pack", "--out", tarball)
    tarballs.set(name, tarball)
  }
})

afterAll(() => Fs.rmSync(temporary, { force: true, recursive: true }))

it.each(libraries)("the tarball of $name has the types that its modules have", async ({ name }) => {
  await run(".", tool("attw"), "--profile", "esm-only", tarballs.get(name)!)
})

describe.each(packages)("the tarball of $name", ({ entry, name }) => {
  it("satisfies publint", async () => {
    await run(".", tool("publint"), "--strict", tarballs.get(name)!)
  })

  it("holds sources and no test", async () => {
    const listed = await run(temporary, "tar", "--list", "--file", tarballs.get(name)!)
    const files = listed.trim().split("\n")
    expect(files).toContain(`package/src/${entry}.ts`)
    expect(files).toContain(`package/dist/${entry}.js.map`)
    expect(files).toContain("package/README.md")
    expect(files).toContain("package/LICENSE")
    // The mock for Effect 3 is in a folder `testing`.
    expect(files.filter((file) => /\/test\/|\.te?st\.|tsconfig|\.generated/.test(file))).toEqual([])
  })
})

interface Compiler {
  readonly compiler: string
  readonly version: string
}

// The oldest that effect supports, and the newest. The types are tested with the one in between: `scripts/types.ts`.
const [oldest, latest] = ["scripts/packed/node_modules/typescript-5.9", "scripts/node_modules/typescript"]
  .map((directory) => ({
    compiler: Path.resolve(directory, "bin/tsc"),
    version: String(JSON.parse(Fs.readFileSync(Path.join(directory, "package.json"), "utf8")).version)
  })) as [Compiler, Compiler]

// The packed mock on a socket. It prints its address.
const mock = `
import { MockSpotnana } from "@effect-spotnana/testing"
import { ManagedRuntime } from "effect"
import { HttpEffect } from "effect/http"
import { createServer } from "node:http"

const runtime = ManagedRuntime.make(MockSpotnana.layer({ clientId: "id", clientSecret: "secret" }))
const mock = await runtime.runPromise(MockSpotnana.MockSpotnana)
const handle = HttpEffect.toWebHandler(mock.httpEffect)

const server = createServer(async (request, response) => {
  const { headers, method, url } = request
  const body = method === "POST" ? request : undefined
  const answer = await handle(new Request(new URL(url, "http://127.0.0.1"), { body, duplex: "half", headers, method }))
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(Buffer.from(await answer.arrayBuffer()))
})
server.listen(0, "127.0.0.1", () => console.log(\`127.0.0.1:\${server.address().port}\`))
`

/** Imports each module of these packages. */
const modulesOf = (libraries: ReadonlyArray<{ readonly directory: string; readonly name: string }>): string =>
  libraries.flatMap(({ directory, name }) =>
    Fs.globSync(`${directory}/src/*.ts`)
      .map((file) => Path.basename(file, ".ts"))
      .map((module) => module === "index" ? name : `${name}/${module}`)
  ).map((module, index) => `export * as module${index} from "${module}"\n`).join("")

/** The first program of a README. */
const programOf = (file: string): string => /^```ts\n(.*?)^```$/ms.exec(Fs.readFileSync(file, "utf8"))![1]!

const makeProject = (directory: string, manifest: object = {}): void => {
  Fs.mkdirSync(directory)
  Fs.writeFileSync(Path.join(directory, "package.json"), JSON.stringify({ private: true, type: "module", ...manifest }))
  const compilerOptions = { module: "NodeNext", target: "ES2022", strict: true, lib: ["ES2022", "DOM"], types: [] }
  Fs.writeFileSync(
    Path.join(directory, "tsconfig.json"),
    JSON.stringify({ compilerOptions: { ...compilerOptions, outDir: "dist" }, include: ["*.ts"] })
  )
}

const machinePath = "/usr/local/bin:/usr/bin:/bin"
const machine = spawnSync("env", [`PATH=${machinePath}`, "node", "--version"], { encoding: "utf8" }).stdout?.trim() ??
  ""

const main = "node_modules/@effect-spotnana/cli/dist/main.js"

const application = Path.join(temporary, "application")

/** The address of the mock: host and port. */
let host = ""

/** Runs a program in the environment that a deployment would set, to use the mock. */
const runWithMock = async (directory: string, command: string, ...args: ReadonlyArray<string>): Promise<string> => {
  const env = {
    PATH: process.env.PATH,
    HOME: directory,
    SPOTNANA_CLIENT_ID: "id",
    SPOTNANA_CLIENT_SECRET: "secret",
    SPOTNANA_BASE_URL: `http://${host}`,
    SPOTNANA_TOKEN_STORE_KEYS: Buffer.alloc(32).toString("base64")
  }
  const { status, stderr, stdout } = await processes.runToEnd(command, args, { cwd: directory, env })
  expect(status, `${command} ${args.join(" ")}\n${stdout}${stderr}`).toBe(0)
  return stdout
}

beforeAll(async () => {
  makeProject(application)
  Fs.writeFileSync(Path.join(application, "modules.ts"), modulesOf(libraries.filter(isOfEffect4)))
  Fs.writeFileSync(Path.join(application, "main.ts"), firstProgram())
  Fs.writeFileSync(Path.join(application, "mock.js"), mock)
  const dependencies = packages.filter(isOfEffect4).map(({ name }) => tarballs.get(name)!)
  const quiet = ["--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"]
  await run(application, "npm", "install", ...quiet, `effect@${root.dependencies.effect}`, ...dependencies)

  const running = processes.endWithRun(
    spawn(process.execPath, ["mock.js"], {
      ...processes.inGroup,
      cwd: application,
      stdio: ["ignore", "pipe", "inherit"]
    })
  )
  const ended = once(running, "exit").then(() => Promise.reject(new Error("the mock has ended")))
  const [address] = await Promise.race([once(running.stdout, "data"), ended])
  host = String(address).trim()
  return () => void running.kill("SIGKILL")
})

describe("an application outside of the workspace", () => {
  it(`type-checks with TypeScript ${oldest.version}, declarations of dependencies included`, async () => {
    await run(application, process.execPath, oldest.compiler, "--project", ".", "--noEmit")
  })

  describe(`that TypeScript ${latest.version} has checked, declarations of dependencies included, and compiled`, () => {
    beforeAll(async () => {
      await run(application, process.execPath, latest.compiler, "--project", ".")
    })

    it("can import each module, and nothing internal", async () => {
      await run(application, process.execPath, "dist/modules.js")

      const internal = "import('@effect-spotnana/core/internal/version').catch((error) => console.log(error.code))"
      expect(await run(application, process.execPath, "--eval", internal)).toBe("ERR_PACKAGE_PATH_NOT_EXPORTED\n")
    })

    for (const { cells, runtime } of rows) {
      if (cells.installed !== "yes") continue
      it.skipIf(!isThere(runtime))(`runs the first program on ${runtime.name} ${runtime.version}`, async () => {
        const args = [...runtime.args({ host }), "dist/main.js"]
        expect(await runWithMock(application, runtime.command, ...args)).toContain("totalNumResults: 120")
      })
    }
  })

  it("has the command line, by npx", async () => {
    expect(await run(application, "npx", "--no", "--", "spotnana-auth", "--version")).toBe(
      `spotnana-auth v${cli.version}\n`
    )
  })

  it("has the command line without what comes along and is not loaded", async () => {
    const unused = ["undici", "redis", "@redis"].map((name) => Path.join(application, "node_modules", name))
    expect(unused.filter((directory) => Fs.existsSync(directory))).toEqual(unused)
    for (const directory of unused) Fs.rmSync(directory, { recursive: true })
    const token = await runWithMock(application, process.execPath, main, "token", "--json")
    expect(JSON.parse(token)).toMatchObject({ token_type: "Bearer", expires_in: expect.any(Number) })
    for (const args of [["request", "GET", "/v2/companies"], ["doctor"]]) {
      expect(await runWithMock(application, process.execPath, main, ...args)).not.toBe("")
    }
  })

  // The Node of the tests is a dependency of the workspace; this is that of the machine.
  it.skipIf(!/^v2[01]\./.test(machine))(`has the command line on the machine's own Node ${machine}`, async () => {
    for (const args of [["token"], ["request", "GET", "/v2/companies"], ["doctor"]]) {
      expect(await runWithMock(application, "env", `PATH=${machinePath}`, "node", main, ...args)).not.toBe("")
    }
  })
})

// The oldest version that is supported, one in between, and what the tests of the package run with. The types that a
// library has for the first and the last, it has for those in between.
const newest = effect3.devDependencies
/** The versions of effect, @effect/platform and @effect/platform-node. */
const lines = [
  { versions: ["3.19.0", "0.93.0", "0.100.0"], isChecked: true },
  { versions: ["3.21.5", "0.96.3", "0.107.0"], isChecked: false },
  { versions: [newest.effect, newest["@effect/platform"], newest["@effect/platform-node"]], isChecked: true }
] as const

// With `fetch` it is the first program of the README. This one is JavaScript: undici wants the types of Node.
const onUndici = `
import { FileTokenStore, SpotnanaHttpClient } from "@effect-spotnana/effect3"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, Layer } from "effect"

const companies = Effect.flatMap(SpotnanaHttpClient.SpotnanaHttpClient, (client) => client.get("/v2/companies"))
const Auth = SpotnanaHttpClient.layerConfig().pipe(
  Layer.provide(FileTokenStore.layer({ directory: "store" })),
  Layer.provide(NodeContext.layer),
  Layer.provide(NodeHttpClient.layerUndici)
)
Effect.runPromise(Effect.provide(Effect.flatMap(companies, (response) => response.json), Auth)).then(console.log)
`

describe.each(lines)("an application on effect $versions.0", ({ isChecked, versions }) => {
  const [effect, platform, platformNode] = versions
  const own = Path.join(temporary, `effect-${effect}`)

  beforeAll(async () => {
    const engine = `file:${tarballs.get("@effect-spotnana/engine")}`
    makeProject(own, {
      dependencies: {
        effect,
        "@effect/platform": platform,
        "@effect/platform-node": platformNode,
        "@effect-spotnana/engine": engine,
        [effect3.name]: `file:${tarballs.get(effect3.name)}`
      },
      // The version that it asks for is in no registry.
      pnpm: { overrides: { "@effect-spotnana/engine": engine } }
    })
    Fs.writeFileSync(
      Path.join(own, "modules.ts"),
      modulesOf(libraries.filter((library) => !isOfEffect4(library)))
    )
    Fs.writeFileSync(Path.join(own, "main.ts"), programOf("packages/effect3/README.md"))
    Fs.writeFileSync(Path.join(own, "undici.js"), onUndici)
    // What it wants for clusters, in whatever version, stays away.
    await run(own, "pnpm", "install", "--prefer-offline", "--ignore-scripts", "--config.auto-install-peers=false")
  })

  it.each(isChecked ? [latest] : [])(
    "type-checks with TypeScript $version, declarations of dependencies included",
    async ({ compiler }) => {
      await run(own, process.execPath, compiler, "--project", ".", "--noEmit")
    }
  )

  // The mock is one of Effect 4, of the other application.
  it.each(["main.ts", "undici.js"])("can import each module, and runs: %s", async (program) => {
    expect(await runWithMock(own, process.execPath, "--import", "./modules.ts", program)).toContain(
      "totalNumResults: 120"
    )
  })
})
