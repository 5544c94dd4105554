// A release, in a copy of the workspace and to a registry of its own: the steps of .github/workflows/release.yml.
import * as Fs from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import { text } from "node:stream/consumers"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { runToEnd } from "./processes.ts"

interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly publishConfig?: Readonly<Record<string, unknown>>
}

const readManifest = (file: string): Manifest => JSON.parse(Fs.readFileSync(file, "utf8"))

const publicPackages = Fs.globSync("packages/*/package.json")
  .map((file) => ({ directory: Path.dirname(file), manifest: readManifest(file) }))
  .filter(({ manifest }) => manifest.private !== true)
  .map(({ directory, manifest: { name, publishConfig } }) => ({ directory, name, publishConfig }))

it.each(publicPackages)("$name is published for all, and never without provenance", ({ publishConfig }) => {
  expect(publishConfig).toMatchObject({ access: "public", provenance: true })
})

/** What is sent to publish a package. */
interface Publication {
  readonly name: string
  readonly access: string
  readonly "dist-tags": Readonly<Record<string, string>>
  readonly versions: Readonly<Record<string, Dependent>>
  /** The tarball, in base64. */
  readonly _attachments: Readonly<Record<string, { readonly data: string }>>
}

interface Dependent {
  readonly bin?: unknown
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

const publications: Array<Publication> = []

const registry = createServer((request, response) => {
  const answer = (status: number, json: unknown) =>
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(json))
  if (request.method === "PUT") {
    void text(request).then((body) => {
      publications.push(JSON.parse(body))
      answer(201, {})
    })
    return
  }
  const name = decodeURIComponent(request.url!.slice(1))
  const found = publications.find((publication) => publication.name === name)
  answer(found === undefined ? 404 : 200, found ?? { error: "not found" })
})

describe("a release", () => {
  const copy = Fs.mkdtempSync(Path.join(Os.tmpdir(), "effect-spotnana-"))
  const notCopied = new Set([".git", ".generated", "coverage", "dist", "node_modules"])
  const build = "node --eval \"fs.mkdirSync('dist'); fs.writeFileSync('dist/built.js', '')\""
  let address = ""

  // The registry answers from this process, so nothing here may block it.
  const run = async (command: string, ...args: ReadonlyArray<string>): Promise<string> => {
    const env = {
      ...process.env,
      NPM_CONFIG_USERCONFIG: Path.join(copy, ".user-npmrc"),
      npm_config_registry: address,
      npm_config_verify_deps_before_run: "false"
    }
    const { status, stderr, stdout } = await runToEnd(command, args, { cwd: copy, env })
    if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stdout}${stderr}`)
    return stdout
  }

  const versions = () =>
    new Set(publicPackages.map(({ directory }) => readManifest(Path.join(copy, directory, "package.json")).version))

  const commit = async () => {
    await run("git", "add", "--all")
    await run("git", "commit", "--quiet", "--message=test")
  }

  beforeAll(async () => {
    Fs.cpSync(".", copy, { recursive: true, filter: (file) => !notCopied.has(Path.basename(file)) })
    await run("git", "init", "--quiet", "--initial-branch=main")
    // Commits and tags have an author, whom the machine need not know.
    await run("git", "config", "user.name", "test")
    await run("git", "config", "user.email", "test@localhost")
    // The dependencies are those of the workspace. The links from a package to another one lead to the copy of that.
    Fs.symlinkSync(Path.resolve("node_modules"), Path.join(copy, "node_modules"))
    for (const directory of Fs.globSync("packages/*/node_modules")) {
      Fs.cpSync(directory, Path.join(copy, directory), { recursive: true, verbatimSymlinks: true })
    }
    for (const { directory } of publicPackages) {
      const file = Path.join(copy, directory, "package.json")
      const manifest = Fs.readFileSync(file, "utf8")
        // npm makes provenance on a machine of a CI that it knows only, and refuses to publish elsewhere.
        .replace(/^ +"provenance": true,\n/m, "")
        // `pack.full.test.ts` tests what a build makes. Here it is enough to see that each package is built.
        .replace(/^( +"build": ).*?(,?)$/m, (_, start, end) => start + JSON.stringify(build) + end)
      Fs.writeFileSync(file, manifest)
    }
    await commit()

    await new Promise<void>((resolve) => registry.listen(0, "127.0.0.1", resolve))
    const { port } = registry.address() as AddressInfo
    Fs.writeFileSync(Path.join(copy, ".user-npmrc"), `//127.0.0.1:${port}/:_authToken=token\n`)
    address = `http://127.0.0.1:${port}/`
  })

  afterAll(() => {
    registry.close()
    Fs.rmSync(copy, { force: true, recursive: true })
  })

  it("gives all packages one version", async () => {
    await run("pnpm", "run", "version")
    await commit()
    expect(versions().size).toBe(1)
  })

  it("is a minor of all packages where one of them has a feature, with a changelog each", async () => {
    const [before] = versions()
    const [major, minor] = before!.split(".").map(Number)
    Fs.writeFileSync(
      Path.join(copy, ".changeset/feature.md"),
      `---\n"@effect-spotnana/core": minor\n---\n\nA feature.\n`
    )
    await run("pnpm", "run", "version")
    await commit()

    const after = `${major}.${minor! + 1}.0`
    expect([...versions()]).toEqual([after])
    for (const { directory } of publicPackages) {
      expect(Fs.readFileSync(Path.join(copy, directory, "CHANGELOG.md"), "utf8")).toContain(`\n## ${after}\n`)
    }
    await run(process.execPath, "scripts/sync-version.ts", "--check")
    expect(Fs.readFileSync(Path.join(copy, "packages/core/src/internal/version.ts"), "utf8")).toContain(after)
    expect(readManifest(Path.join(copy, "docs/package.json"))).toEqual(readManifest("docs/package.json"))
  })

  it("publishes what was packed: the public packages, in the order of their dependencies, and no private one", async () => {
    const [version] = versions()
    await run("changeset", "publish-plan", "--output", "plan/publish-plan.json")
    await run("changeset", "pack", "--from-publish-plan", "plan/publish-plan.json", "--out-dir", "packed")
    await run("changeset", "publish", "--from-pack-dir", "packed")

    expect(publications.map(({ name }) => name).toSorted()).toEqual(publicPackages.map(({ name }) => name).toSorted())
    const order = publications.map(({ name }) => name)
    for (const [index, publication] of publications.entries()) {
      expect(publication).toMatchObject({ access: "public", "dist-tags": { latest: version } })
      const manifest = publication.versions[version!]!
      expect(JSON.stringify(manifest)).not.toContain("./src/")
      const needed = { ...manifest.peerDependencies, ...manifest.dependencies }
      const own = Object.keys(needed).filter((name) => name.startsWith("@effect-spotnana/"))
      expect(own.filter((name) => !order.slice(0, index).includes(name))).toEqual([])
      // A program brings along exactly what it was tested with. A library leaves room for one copy of the engine.
      const range = manifest.bin === undefined ? `^${version}` : version
      expect(own.filter((name) => needed[name] !== range)).toEqual([])
    }
    for (const { _attachments, name } of publications) {
      const tarball = Path.join(copy, ".user-tarball.tgz")
      Fs.writeFileSync(tarball, Buffer.from(Object.values(_attachments)[0]!.data, "base64"))
      const files = (await run("tar", "--list", "--file", tarball)).split("\n")
      expect({ name, isBuilt: files.includes("package/dist/built.js") }).toEqual({ name, isBuilt: true })
    }
    const tags = (await run("git", "tag", "--list")).trim().split("\n")
    expect(tags).toEqual(publicPackages.map(({ name }) => `${name}@${version}`).toSorted())
  })

  it("publishes nothing twice", async () => {
    const before = publications.length
    await run("changeset", "publish")
    expect(publications.length).toBe(before)
  })
})
