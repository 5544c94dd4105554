import * as Path from "node:path"
import { firstProgram, goal, input, measure, measureWhole, withValues } from "../../../../scripts/size/measure.ts"
import type { Size } from "../../../../scripts/size/measure.ts"
import { spotnana } from "../peers/spotnana.ts"
import { cannot } from "../Scenario.ts"
import type { Extent, Goal, Report, Scenario } from "../Scenario.ts"
import { floor } from "../support/contenders.ts"
import { count, kilobytes } from "../support/format.ts"
import { bareFetch, constantBearer, programOf, programs } from "../support/programs.ts"

const columns = ["client", "minified", "gzip -9", "brotli"]

const rowOf = (name: string, { brotli, gzip, minified }: Size): ReadonlyArray<string> => [
  name,
  ...[minified, gzip, brotli].map((bytes) => `${count(bytes)} B`)
]

const atMost = (what: string, bytes: number, most: number): Goal => ({
  goal: `${what} at most ${kilobytes(most)}`,
  figure: kilobytes(bytes),
  met: bytes <= most
})

const run = async ({ peers, say }: Extent): Promise<Report> => {
  say("size: bundles")
  const whole = (program: string) => measureWhole(Path.join(programs, program))
  const application = (program: string) => measureWhole(Path.join(import.meta.dirname, "../size", program))
  const byConfig = await measure(firstProgram())
  const byValues = await measure(withValues(firstProgram()))
  const wholeByConfig = await measureWhole(input, firstProgram())
  const wholeByValues = await measureWhole(input, withValues(firstProgram()))
  const alone = await application("application.mjs")
  const authenticated = await application("applicationWithSpotnana.mjs")
  const others: Array<ReadonlyArray<string>> = []
  for (const peer of peers) {
    if (peer.name === spotnana.name) continue
    const reason = peer.cannot.size
    others.push(
      reason === undefined ? rowOf(peer.name, await whole(programOf(peer))) : cannot(peer.name, reason, columns)
    )
  }
  return {
    columns,
    rows: [
      rowOf(`${spotnana.name}, core and engine, by layerConfig`, byConfig),
      rowOf(`${spotnana.name}, core and engine, by layer with values`, byValues),
      rowOf(`${spotnana.name}, with effect, by layerConfig`, wholeByConfig),
      rowOf(`${spotnana.name}, with effect, by layer with values`, wholeByValues),
      rowOf("an application with Schema, Config and HttpClient", alone),
      rowOf("the same application with the library", authenticated),
      ...others,
      rowOf(floor.name, await whole(constantBearer)),
      rowOf("fetch, no library", await whole(bareFetch))
    ],
    goals: [
      atMost(
        "what the first program adds to an application that uses Schema and Config already",
        authenticated.gzip - alone.gzip,
        15_000
      ),
      atMost("core and engine, effect aside, by layerConfig", byConfig.gzip, goal),
      atMost("core and engine, effect aside, by layer with values", byValues.gzip, 9_600),
      atMost("the whole bundle of the first program by values", wholeByValues.gzip, 50_000)
    ],
    notes: [
      "The goals are of gzip -9. Those of core and engine are what `pnpm size` measures.",
      "The application reads its settings by `Config.schema`, and decodes an answer by `schemaBodyJson`; with the " +
      "library its client is that of the first program.",
      "Who leaves the request to `fetch` has no HTTP stack in its bundle: that is Node's."
    ]
  }
}

export const size: Scenario = {
  id: "size",
  title: "Size",
  what:
    "One program each that asks for a token and makes one request, bundled for Node by rolldown, with all that it " +
    "imports but Node's own modules, minified. That of effect-spotnana is the first program of README.md.",
  run
}
