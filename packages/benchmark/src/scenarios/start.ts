import * as Fs from "node:fs"
import * as Path from "node:path"
import { bundle } from "../../../../scripts/size/measure.ts"
import { spotnana } from "../peers/spotnana.ts"
import { cannot } from "../Scenario.ts"
import type { Extent, Goal, Report, Scenario } from "../Scenario.ts"
import { constantBearer } from "../server.ts"
import { floor } from "../support/contenders.ts"
import { duration } from "../support/format.ts"
import { launch } from "../support/launch.ts"
import type { Launch } from "../support/launch.ts"
import * as Programs from "../support/programs.ts"
import { publish } from "../support/published.ts"
import { startServer } from "../support/server.ts"
import type { Server } from "../support/server.ts"
import { median, spread } from "../support/statistics.ts"

/** A program that is started. */
interface Subject {
  readonly name: string
  readonly program: string
}

interface Launched {
  readonly plain: ReadonlyArray<Launch>
  /** With what V8 made of the same modules last time. */
  readonly cached: ReadonlyArray<Launch>
}

const columns = ["client", "to the first response", "with a compile cache", "heap at rest", "resident at rest"]

const variablesOf = ({ baseUrl, setting }: Server): Readonly<Record<string, string>> => {
  const { clientId, clientSecret } = setting()
  return {
    SPOTNANA_BASE_URL: baseUrl,
    SPOTNANA_CLIENT_ID: clientId,
    SPOTNANA_CLIENT_SECRET: clientSecret,
    CONSTANT_BEARER: constantBearer
  }
}

/** A program that imports these, and asks nobody. */
const importing = (directory: string, name: string, modules: ReadonlyArray<string>): Subject => {
  const program = Path.join(directory, `imports-${modules.map((module) => module.replaceAll("/", "-")).join("+")}.mjs`)
  const imports = ["./given.mjs", ...modules].map((module, index) => `import * as m${index} from "${module}"\n`)
  Fs.writeFileSync(program, `${imports.join("")}m0.answered(200)\n`)
  return { name, program }
}

const bundled = async (directory: string): Promise<Subject> => {
  const program = Path.join(directory, "bundled.mjs")
  const { code } = await bundle({ input: Path.join(directory, Programs.programOf(spotnana)), platform: "node" })
  Fs.writeFileSync(program, code)
  return { name: "one bundle", program }
}

interface Launching {
  readonly directory: string
  readonly variables: Readonly<Record<string, string>>
  readonly quick: boolean
  readonly say: Extent["say"]
}

const launchAll = async (
  subjects: ReadonlyArray<Subject>,
  { directory, quick, say, variables }: Launching
): Promise<ReadonlyMap<string, Launched>> => {
  const launched = new Map(
    subjects.map(({ name }) => [name, { plain: [] as Array<Launch>, cached: [] as Array<Launch> }])
  )
  const cache = { ...variables, NODE_COMPILE_CACHE: Path.join(directory, "cache") }
  const one = async ({ name, program }: Subject) => {
    const { cached, plain } = launched.get(name)!
    plain.push(await launch(program, variables))
    cached.push(await launch(program, cache))
  }
  // Not measured: it fills the cache.
  await Promise.all(subjects.map(({ program }) => launch(program, cache)))
  if (quick) {
    await Promise.all(subjects.map(one))
    return launched
  }
  const rounds = 15
  for (let round = 0; round < rounds; round++) {
    say(`start: round ${round + 1} of ${rounds}`)
    const first = round % subjects.length
    for (const subject of [...subjects.slice(first), ...subjects.slice(0, first)]) await one(subject)
  }
  return launched
}

const timesOf = (launches: ReadonlyArray<Launch>): ReadonlyArray<number> => launches.map(({ millis }) => millis)

const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`

const rowOf = (name: string, { cached, plain }: Launched): ReadonlyArray<string> => [
  name,
  ...[plain, cached].map((launches) =>
    `${duration(median(timesOf(launches)))} (${spread(timesOf(launches), duration)})`
  ),
  megabytes(median(plain.map(({ heapUsed }) => heapUsed))),
  megabytes(median(plain.map(({ rss }) => rss)))
]

interface Figure {
  readonly goal: string
  readonly of: (launched: Launched) => number
  readonly print: (value: number) => string
}

const figures: ReadonlyArray<Figure> = [
  {
    goal: "time to the first authenticated response: the least of the clients that bring their own HTTP stack",
    of: ({ plain }) => median(timesOf(plain)),
    print: duration
  },
  {
    goal: "resident memory at rest: the least of the clients that bring their own HTTP stack",
    of: ({ plain }) => median(plain.map(({ rss }) => rss)),
    print: megabytes
  }
]

const goalOf = (
  { goal, of, print }: Figure,
  library: Launched,
  others: ReadonlyArray<readonly [name: string, launched: Launched]>
): Goal => {
  const mine = of(library)
  const [name, least] = others
    .map(([name, launched]) => [name, of(launched)] as const)
    .reduce((a, b) => b[1] < a[1] ? b : a, ["nobody else", Infinity] as const)
  return {
    goal,
    figure: others.length === 0
      ? `${print(mine)}, and nobody to compare it with`
      : `${print(mine)}, and ${print(least)} of ${name}: ${print(Math.abs(mine - least))} ${
        mine > least ? "more" : "less"
      }`,
    met: others.length > 0 && mine <= least
  }
}

/** Where the time goes, and what helps. */
const notesOf = (
  launched: ReadonlyMap<string, Launched>,
  steps: ReadonlyArray<Subject>,
  variants: ReadonlyArray<Subject>
): ReadonlyArray<string> => {
  const plain = (name: string) => median(timesOf(launched.get(name)!.plain))
  const cached = (name: string) => median(timesOf(launched.get(name)!.cached))
  const whole = plain(spotnana.name)
  const shares = steps.map(({ name }, index) =>
    index === 0
      ? `${duration(plain(name))} for ${name}`
      : `${duration(plain(name) - plain(steps[index - 1]!.name))} for ${name}`
  )
  const rest = whole - plain(steps.at(-1)!.name)
  return [
    `Of the ${duration(whole)} of ${spotnana.name}: ${shares.join(", ")}, ` +
    `and ${duration(rest)} for the program itself with its two requests.`,
    `What helps: ${
      [
        `a compile cache (NODE_COMPILE_CACHE), ${duration(cached(spotnana.name))}`,
        ...variants.map(({ name }) =>
          `${name}, ${duration(plain(name))}, and ${duration(cached(name))} with a compile cache`
        )
      ].join("; ")
    }.`,
    "The library is measured as it is published, in JavaScript. Each process has --expose-gc, and its heap is " +
    "collected a fifth of a second after the answer."
  ]
}

const measure = async ({ peers, quick, say }: Extent, server: Server): Promise<Report> => {
  const directory = publish()
  const inDirectory = (name: string, program: string): Subject => ({ name, program: Path.join(directory, program) })
  const able = peers.filter((peer) => peer.cannot.start === undefined)
  const ends = [
    inDirectory(floor.name, Programs.constantBearer),
    inDirectory("fetch, no library", Programs.bareFetch),
    inDirectory("node, nothing imported", Programs.nothing)
  ]
  const undici = inDirectory(`${spotnana.name}, over undici`, Programs.overUndici)
  const library = inDirectory(spotnana.name, Programs.programOf(spotnana))
  const others = able
    .filter(({ name }) => name !== spotnana.name)
    .map((peer) => inDirectory(peer.name, Programs.programOf(peer)))
  const nothing = ends.at(-1)!
  const steps = [
    importing(directory, "the modules of an `Effect` alone", ["effect/Effect"]),
    importing(directory, "the rest of `effect`", ["effect"]),
    importing(directory, "`effect/http`", ["effect", "effect/http"]),
    importing(directory, "the core", ["effect", "effect/http", "@effect-spotnana/core"])
  ]
  const variants = [
    inDirectory("imports by sub-path", Programs.bySubpaths),
    await bundled(directory)
  ]
  const subjects = [library, undici, ...others, ...ends, ...steps, ...variants]
  const launched = await launchAll(subjects, { directory, variables: variablesOf(server), quick, say })
  const rows = [
    rowOf(library.name, launched.get(library.name)!),
    rowOf(undici.name, launched.get(undici.name)!),
    ...peers.filter(({ name }) => name !== spotnana.name).map(({ cannot: reasons, name }) =>
      reasons.start === undefined ? rowOf(name, launched.get(name)!) : cannot(name, reasons.start, columns)
    ),
    ...ends.map(({ name }) => rowOf(name, launched.get(name)!))
  ]
  const own = able
    .filter(({ stack }) => stack === "own")
    .map(({ name }) => [name, launched.get(name)!] as const)
  return {
    columns,
    rows,
    goals: figures.map((figure) => goalOf(figure, launched.get(library.name)!, own)),
    notes: notesOf(launched, [nothing, ...steps], variants)
  }
}

const run = async (extent: Extent): Promise<Report> => {
  const server = await startServer()
  try {
    return await measure(extent, server)
  } finally {
    server.close()
  }
}

export const start: Scenario = {
  id: "start",
  title: "Start",
  what: "One program each in a process of its own: from before the process is made to the first authenticated " +
    "response, one token request and one GET to a loopback server, in rounds of rotating order; median and the middle " +
    "half. Then what the process holds at rest. The second time is that with NODE_COMPILE_CACHE, filled by a run before.",
  run
}
