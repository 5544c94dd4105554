/** `node examples/fast-start/measure.ts` prints the table of docs/fast-start.md: the example in four forms, run in turns. */
import { Effect } from "effect"
import { execFile } from "node:child_process"
import * as Fs from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import * as Path from "node:path"
import { promisify } from "node:util"
import { publishInto } from "../../scripts/published.ts"
import { serve } from "../support/serve.ts"
import { bundleInto } from "./build.ts"

const rounds = 11
const directory = Path.resolve(".generated/fast-start")
const inDirectory = (name: string): string => Path.join(directory, name)

/** Says at its end what a process took: milliseconds of CPU, and megabytes of memory. */
const said = "process.on('exit',()=>{const{user,system}=process.cpuUsage();" +
  "console.error(JSON.stringify([(user+system)/1e3,process.memoryUsage.rss()/1e6]))})"

const run = async (file: string, variables: Readonly<Record<string, string>>): Promise<readonly [number, number]> => {
  const { stderr } = await promisify(execFile)(process.execPath, ["--import", `data:text/javascript,${said}`, file], {
    env: variables
  })
  return JSON.parse(stderr.trim().split("\n").at(-1)!)
}

const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

publishInto(directory)
const source = stripTypeScriptTypes(Fs.readFileSync("examples/fast-start.ts", "utf8"))
Fs.writeFileSync(inDirectory("node-http.mjs"), source)
Fs.writeFileSync(
  inDirectory("fetch.mjs"),
  source.replace("@effect/platform-node/NodeHttpClient", "effect/http/FetchHttpClient")
    .replace("NodeHttpClient.layerNodeHttp", "NodeHttpClient.layer")
)
for (const name of ["fetch", "node-http"]) {
  await bundleInto(inDirectory(`${name}.bundle.mjs`), inDirectory(`${name}.mjs`))
}

const forms: ReadonlyArray<readonly [what: string, file: string, cached: boolean]> = [
  ["as installed, `FetchHttpClient.layer`", "fetch.mjs", false],
  ["the same with a compile cache", "fetch.mjs", true],
  ["one bundle", "fetch.bundle.mjs", false],
  ["one bundle, `NodeHttpClient.layerNodeHttp`", "node-http.bundle.mjs", false],
  ["the same with a compile cache", "node-http.bundle.mjs", true]
]

await Effect.gen(function*() {
  const { variables } = yield* serve()
  const launch = ([, file, cached]: (typeof forms)[number]) =>
    Effect.promise(() =>
      run(inDirectory(file), { ...variables, ...(cached && { NODE_COMPILE_CACHE: inDirectory("cache") }) })
    )
  // Fills the cache.
  for (const form of forms) yield* launch(form)
  const taken = forms.map((): Array<readonly [number, number]> => [])
  for (let round = 0; round < rounds; round++) {
    for (const [index, form] of forms.entries()) taken[index]!.push(yield* launch(form))
  }
  console.log("| the program | CPU time until its end | resident memory at its end |\n| --- | --- | --- |")
  for (const [index, [what]] of forms.entries()) {
    const [cpu, memory] = [0, 1].map((of) => median(taken[index]!.map((one) => one[of]!)))
    console.log(`| ${what} | ${cpu!.toFixed(0)} ms | ${memory!.toFixed(0)} MB |`)
  }
}).pipe(Effect.scoped, Effect.runPromise)
