// What the library adds to an application: a program bundled as for the web, without effect.
import * as Fs from "node:fs"
import * as Path from "node:path"
import { brotliCompressSync, gzipSync } from "node:zlib"
import { build } from "rolldown"

export interface Size {
  readonly minified: number
  readonly gzip: number
  readonly brotli: number
  /** What is left of each module, in bytes before they are minified. The largest first. */
  readonly modules: ReadonlyArray<readonly [module: string, bytes: number]>
}

const root = Path.resolve(import.meta.dirname, "../..")

/** The first program of README.md, run as on any platform: `NodeRuntime` is for Node. */
export const firstProgram = (): string =>
  /^```ts\n(.*?)^```$/ms.exec(Fs.readFileSync(Path.join(root, "README.md"), "utf8"))![1]!
    .replace(/^import .*"@effect\/platform-node"\n/m, "")
    .replace("NodeRuntime.runMain", "Effect.runPromise")

/** The same with credentials that are values, and so without configuration. */
export const withValues = (program: string): string =>
  `import { Redacted } from "effect"\n${
    program.replace("layerConfig()", `layer({ clientId: "id", clientSecret: Redacted.make("secret") })`)
  }`

/** What the first program came to at the last release, minified and compressed by gzip -9. Whoever releases writes it anew. */
export const lastRelease = 18_700

/** What it may come to before the next one. */
export const budget = Math.round(lastRelease * 1.07)

/** What it should come to. */
export const goal = 10_800

/** What an application pays for only where it uses it. */
export const optionalModules = [
  "RedisTokenStore",
  "FileTokenStore",
  "ApiUserRotation",
  "SpotnanaApiError",
  "ScimHttpClient",
  "SecretFiles",
  "EmbedTokens"
]

/** The first program in an application that uses all of a further module too. */
export const withModule = (module: string): string =>
  `${firstProgram()}\nexport * as Further from "@effect-spotnana/core/${module}"\n`

/** What to print: the bytes of the first program, and with each of the optional modules. */
export const sizes = async (): Promise<ReadonlyArray<readonly [what: string, size: Size]>> => [
  ["the first program of README.md", await measure(firstProgram())],
  ["with credentials as values", await measure(withValues(firstProgram()))],
  ...await Promise.all(
    optionalModules.map(async (module) => [`with ${module}`, await measure(withModule(module))] as const)
  )
]

/** A file that is not there: its place is where the imports of a source are looked up from. */
export const input = Path.join(root, "program.ts")

/** What is bundled, and what is not: the file `input`, or what is given as its source. */
export interface Bundling {
  readonly input: string
  readonly source?: string | undefined
  readonly external?: RegExp | undefined
  readonly platform: "neutral" | "node"
}

/** One file of it, minified. */
export const bundle = async ({ external, input, platform, source }: Bundling) => {
  const { output: [chunk] } = await build({
    input,
    ...(external !== undefined && { external }),
    platform,
    treeshake: true,
    plugins: source === undefined ? [] : [{
      name: "program",
      resolveId: (id) => id === input ? id : undefined,
      load: (id) => id === input ? source : undefined
    }],
    output: { codeSplitting: false, comments: false, minify: true },
    write: false
  })
  return chunk
}

const sizeOf = ({ code, modules }: Awaited<ReturnType<typeof bundle>>): Size => ({
  minified: Buffer.byteLength(code),
  gzip: gzipSync(code, { level: 9 }).length,
  brotli: brotliCompressSync(code).length,
  modules: Object.entries(modules)
    .map(([id, { renderedLength }]) => [Path.relative(root, id), renderedLength] as const)
    .filter(([, bytes]) => bytes > 0)
    .toSorted(([, a], [, b]) => b - a)
})

/** Bundles a program with the sources of core and engine, or with the core that is at `core` and the engine beside it. */
export const measure = async (program: string, core = "@effect-spotnana/core"): Promise<Size> =>
  sizeOf(
    await bundle({
      input,
      source: program.replaceAll("@effect-spotnana/core", core),
      external: /^effect(\/|$)/,
      platform: "neutral"
    })
  )

/** Bundles a program for Node with everything that it imports: a file, or what is given as its source. */
export const measureWhole = async (input: string, source?: string): Promise<Size> =>
  sizeOf(await bundle({ input, source, platform: "node" }))
