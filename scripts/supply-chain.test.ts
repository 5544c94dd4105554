// What SECURITY.md says of the supply chain: exact versions, a complete lock file, no script at installation.
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { describe, expect, it } from "vitest"

interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly bin?: Readonly<Record<string, string>>
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

const manifestOf = (directory: string): Manifest =>
  JSON.parse(Fs.readFileSync(Path.join(directory, "package.json"), "utf8"))

const workspace = [
  ".",
  ...Fs.globSync(["packages/*/package.json", "{docs,examples/*,scripts,scripts/*}/package.json"]).map((file) =>
    Path.dirname(file)
  )
].map(manifestOf)

const published = workspace.filter((manifest) => manifest.private !== true)

const isLibrary = ({ bin, private: isPrivate }: Manifest): boolean => isPrivate !== true && bin === undefined

/** What SECURITY.md says of each library. All packages are released together, so a range of ours is of one release. */
const promised: Readonly<
  Record<string, { readonly dependencies?: Manifest["dependencies"]; readonly peers: ReadonlyArray<string> }>
> = {
  "@effect-spotnana/engine": { peers: [] },
  "@effect-spotnana/core": { dependencies: { "@effect-spotnana/engine": "workspace:^" }, peers: ["effect"] },
  "@effect-spotnana/effect3": {
    dependencies: { "@effect-spotnana/engine": "workspace:^" },
    peers: ["@effect/platform", "effect"]
  },
  "@effect-spotnana/testing": {
    dependencies: { "@effect-spotnana/engine": "workspace:^" },
    peers: ["@effect-spotnana/core", "effect"]
  }
}

const installationScripts = ["preinstall", "install", "postinstall", "prepare"]

// A registry that mirrors packages often has no advisories: then this is skipped, visibly.
const { output, status } = spawnSync("pnpm", ["audit", "--audit-level", "high"], { encoding: "utf8" })
const said = output?.join("\n") ?? ""
const audit = { said, status, hasNoAnswer: said.includes("ERR_PNPM_AUDIT_BAD_RESPONSE") }

describe("supply chain", () => {
  it.each(workspace)("$name depends on exact versions", (manifest) => {
    const versions = Object.entries({
      ...(isLibrary(manifest) ? {} : manifest.dependencies),
      ...manifest.devDependencies,
      ...manifest.optionalDependencies
    })
    expect(versions.filter(([, version]) => !/^((npm:[\w-]+@)?\d+\.\d+\.\d+(-[\w.]+)?|workspace:\*)$/.test(version)))
      .toEqual([])
  })

  it.each(published.filter(isLibrary))(
    "$name, a library, brings nothing along but our own engine, and has no script at installation",
    (manifest) => {
      const { dependencies, peers } = promised[manifest.name]!
      expect(manifest.dependencies).toEqual(dependencies)
      expect(Object.keys(manifest.peerDependencies ?? {})).toEqual(peers)
      expect(manifest.optionalDependencies).toBeUndefined()
      expect(installationScripts.filter((script) => manifest.scripts?.[script] !== undefined)).toEqual([])
    }
  )

  it.each(published.filter((manifest) => !isLibrary(manifest)))(
    "$name, an application, brings the workspace's packages and effect's along, at exact versions, and no script",
    (manifest) => {
      expect(Object.keys(manifest.dependencies ?? {})).toEqual([
        "@effect-spotnana/core",
        "@effect-spotnana/engine",
        "@effect-spotnana/testing",
        "@effect/platform-node",
        "effect"
      ])
      expect(manifest.optionalDependencies).toBeUndefined()
      expect(manifest.peerDependencies).toBeUndefined()
      expect(installationScripts.filter((script) => manifest.scripts?.[script] !== undefined)).toEqual([])
    }
  )

  it.each(["pnpm-lock.yaml", "docs/pnpm-lock.yaml"])(
    "every entry of %s is a package of the registry, with its hash",
    (file) => {
      const resolutions = Fs.readFileSync(file, "utf8").match(/^ +resolution: .*$/gm) ?? []
      expect(resolutions.length).toBeGreaterThan(100)
      expect(resolutions.filter((line) => !/^ +resolution: \{integrity: sha512-[\w+/]+=*\}$/.test(line))).toEqual([])
    }
  )

  it("few have a script for their installation, and it is not run", () => {
    const ignored = ["@parcel/watcher", "dprint", "msgpackr-extract"]
    // The `install` entry stands for npm's habit of running node-gyp where there is a binding.gyp, too.
    const withScripts = Fs.globSync("node_modules/.pnpm/*/node_modules/{*,@*/*}/package.json")
      .map((file) => ({ directory: Path.dirname(file), manifest: manifestOf(Path.dirname(file)) }))
      .filter(({ directory, manifest }) =>
        Fs.existsSync(Path.join(directory, "binding.gyp")) ||
        ["preinstall", "install", "postinstall"].some((script) => manifest.scripts?.[script] !== undefined)
      )
    // What is installed for tests alone does not have all of them.
    expect(withScripts.map(({ manifest }) => manifest.name).filter((name) => !ignored.includes(name))).toEqual([])
    // `strictDepBuilds` makes an installation fail over a script that nobody has decided about.
    const settings = Fs.readFileSync("pnpm-workspace.yaml", "utf8")
    expect(settings).toContain("strictDepBuilds: true")
    expect(settings).toContain("onlyBuiltDependencies: []")
    const listed = /ignoredBuiltDependencies:\n((?: {2}- .+\n)+)\n/.exec(settings)?.[1]?.match(/[@\w][@\w/-]*/g)
    expect(listed).toEqual(ignored)
  })

  it("no dependency of the site runs a script for its installation", () => {
    const settings = Fs.readFileSync("docs/pnpm-workspace.yaml", "utf8")
    expect(settings).toContain("strictDepBuilds: true")
    expect(settings).toContain("onlyBuiltDependencies: []")
  })

  it.skipIf(audit.hasNoAnswer)("no dependency has a known vulnerability of high severity", () => {
    expect(audit).toMatchObject({ status: 0 })
  })
})
