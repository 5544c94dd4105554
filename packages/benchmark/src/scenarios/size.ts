import * as Path from "node:path"
import { firstProgram, goal, measure, measureWhole } from "../../../../scripts/size/measure.ts"
import type { Size } from "../../../../scripts/size/measure.ts"
import { spotnana } from "../peers/spotnana.ts"
import { cannot } from "../Scenario.ts"
import type { Extent, Report, Scenario } from "../Scenario.ts"
import { floor } from "../support/contenders.ts"
import { count } from "../support/format.ts"
import { bareFetch, constantBearer, programOf, programs } from "../support/programs.ts"

const columns = ["client", "minified", "gzip -9", "brotli"]

const rowOf = (name: string, { brotli, gzip, minified }: Size): ReadonlyArray<string> => [
  name,
  ...[minified, gzip, brotli].map((bytes) => `${count(bytes)} B`)
]

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`

const run = async ({ peers, say }: Extent): Promise<Report> => {
  say("size: bundles")
  const whole = (program: string) => measureWhole(Path.join(programs, program))
  const core = await measure(firstProgram())
  const library = await whole(programOf(spotnana))
  const constant = await whole(constantBearer)
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
      rowOf(`${spotnana.name}, without effect`, core),
      rowOf(`${spotnana.name}, with effect`, library),
      ...others,
      rowOf(floor.name, constant),
      rowOf("fetch, no library", await whole(bareFetch))
    ],
    goals: [{
      goal: `the core at most ${kilobytes(goal)}, minified and compressed by gzip -9, effect aside`,
      figure: kilobytes(core.gzip),
      met: core.gzip <= goal
    }],
    notes: [
      `With effect and its HTTP client in the bundle already, authentication adds ${
        kilobytes(library.gzip - constant.gzip)
      } by gzip -9: the difference to ${floor.name}, with those parts of effect that nobody else needs.`,
      "Who leaves the request to `fetch` has no HTTP stack in its bundle: that is Node's."
    ]
  }
}

export const size: Scenario = {
  id: "size",
  title: "Size",
  what:
    "One program each that asks for a token and makes one request, bundled for Node by rolldown, with all that it " +
    "imports but Node's own modules, minified. Without effect, it is the first program of README.md with effect left " +
    "out, as `pnpm size` measures it.",
  run
}
