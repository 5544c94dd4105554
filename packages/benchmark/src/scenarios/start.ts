import * as Fs from "node:fs"
import * as Path from "node:path"
import { bundle } from "../../../../scripts/size/measure.ts"
import type { Peer } from "../Peer.ts"
import { google } from "../peers/google.ts"
import { spotnana } from "../peers/spotnana.ts"
import { cannot } from "../Scenario.ts"
import type { Extent, Goal, Report, Scenario } from "../Scenario.ts"
import { constantBearer } from "../server.ts"
import { floor } from "../support/contenders.ts"
import { duration, exactRatio } from "../support/format.ts"
import { launch } from "../support/launch.ts"
import type { Launch } from "../support/launch.ts"
import * as Programs from "../support/programs.ts"
import { publish } from "../support/published.ts"
import { startServer } from "../support/server.ts"
import type { Server } from "../support/server.ts"
import { differences, median, ratios, spread } from "../support/statistics.ts"

/** A program in its two forms. */
interface Subject {
  readonly name: string
  readonly installed: string
  readonly bundled: string
}

const forms = ["installed", "bundled"] as const
type Form = (typeof forms)[number]

/** Its launches, by form. The launches of one round have the same index. */
type Launched = Readonly<Record<Form, ReadonlyArray<Launch>>>
type AllLaunched = ReadonlyMap<string, Launched>

const columns = [
  "client",
  "CPU to the first answer, as installed",
  "CPU, one bundle",
  "resident at rest, as installed",
  "resident, one bundle"
]

/** So many that a difference of some per cent is visible where the machine does other things, too. */
const rounds = 21

const [, subpaths, nodeHttp] = Programs.ways
const overFetch = `${google.name}, over fetch`

const subjectOf = async (directory: string, name: string, program: string): Promise<Subject> => {
  const installed = Path.join(directory, program)
  const bundled = Path.join(directory, `bundle-${program}`)
  Fs.writeFileSync(bundled, (await bundle({ input: installed, platform: "node" })).code)
  return { name, installed, bundled }
}

/** By the rows of the table: name and program. */
const programsOf = (peers: ReadonlyArray<Peer>): ReadonlyArray<readonly [name: string, program: string]> => [
  ...Programs.ways.map(({ library, way }) => [spotnana.name + way, library] as const),
  ...peers.filter(({ name }) => name !== spotnana.name).flatMap((peer) => [
    [peer.name, Programs.programOf(peer)] as const,
    ...(peer === google ? [[overFetch, Programs.googleFetch] as const] : [])
  ]),
  ...Programs.ways.map((way) => [floor.name + way.way, way.floor] as const),
  ["fetch, no library", Programs.bareFetch],
  ["node, nothing imported", Programs.nothing]
]

const variablesOf = ({ baseUrl, setting }: Server): Readonly<Record<string, string>> => {
  const { clientId, clientSecret } = setting()
  return {
    SPOTNANA_BASE_URL: baseUrl,
    SPOTNANA_CLIENT_ID: clientId,
    SPOTNANA_CLIENT_SECRET: clientSecret,
    CONSTANT_BEARER: constantBearer
  }
}

const launchAll = async (
  subjects: ReadonlyArray<Subject>,
  variables: Readonly<Record<string, string>>,
  { quick, say }: Extent
): Promise<AllLaunched> => {
  const launched = new Map(
    subjects.map(({ name }) => [name, { installed: [] as Array<Launch>, bundled: [] as Array<Launch> }])
  )
  const one = async (subject: Subject) => {
    for (const form of forms) launched.get(subject.name)![form].push(await launch(subject[form], variables))
  }
  if (quick) {
    const left = [...subjects]
    const lane = async () => {
      for (let subject = left.shift(); subject !== undefined; subject = left.shift()) await one(subject)
    }
    await Promise.all([lane(), lane(), lane()])
    return launched
  }
  for (let round = 0; round < rounds; round++) {
    say(`start: round ${round + 1} of ${rounds}`)
    const first = round % subjects.length
    for (const subject of [...subjects.slice(first), ...subjects.slice(0, first)]) await one(subject)
  }
  return launched
}

const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`

const cpuOf = (launches: ReadonlyArray<Launch>): ReadonlyArray<number> => launches.map(({ cpu }) => cpu)
const rssOf = (launches: ReadonlyArray<Launch>): ReadonlyArray<number> => launches.map(({ rss }) => rss)

const cellsOf = (launched: Launched): ReadonlyArray<string> => [
  ...forms.map((form) => `${duration(median(cpuOf(launched[form])))} (${spread(cpuOf(launched[form]), duration)})`),
  ...forms.map((form) => megabytes(median(rssOf(launched[form]))))
]

/** The library as it is installed, compared with the same requests without it. */
const goalsOverFloor = (launched: AllLaunched, { way }: { readonly way: string }): ReadonlyArray<Goal> => {
  const [library, least] = [launched.get(spotnana.name + way)!.installed, launched.get(floor.name + way)!.installed]
  const cpu = ratios(cpuOf(library), cpuOf(least))
  const rss = differences(rssOf(library), rssOf(least))
  const kind = way === "" ? ", by the package's index" : way
  return [
    {
      goal: `as installed${kind}: CPU to the first answer at most 1.08 × the floor's`,
      figure: `${exactRatio(median(cpu))} (${spread(cpu, exactRatio)}): ${duration(median(cpuOf(library)))} and ${
        duration(median(cpuOf(least)))
      }`,
      met: median(cpu) <= 1.08
    },
    {
      goal: `as installed${kind}: at rest at most 3 MB above the floor`,
      figure: `${megabytes(median(rss))} (${spread(rss, megabytes)}): ${megabytes(median(rssOf(library)))} and ${
        megabytes(median(rssOf(least)))
      }`,
      met: median(rss) <= 3e6
    }
  ]
}

interface Quantity {
  readonly goal: string
  readonly of: (launches: ReadonlyArray<Launch>) => ReadonlyArray<number>
  readonly print: (value: number) => string
}

const quantities: ReadonlyArray<Quantity> = [
  { goal: "CPU to the first answer the least of all", of: cpuOf, print: duration },
  { goal: "at rest at most the best peer's", of: rssOf, print: megabytes }
]

/** The library in one bundle over `node:http`, against every peer in either form. */
const goalAmongPeers = (launched: AllLaunched, peers: ReadonlyArray<string>, { goal, of, print }: Quantity): Goal => {
  const own = median(of(launched.get(spotnana.name + nodeHttp.way)!.bundled))
  const [least] = peers
    .flatMap((name) => forms.map((form) => [`${name}, ${form}`, median(of(launched.get(name)![form]))] as const))
    .toSorted(([, a], [, b]) => a - b)
  const ofGoogle = launched.get(google.name)?.bundled
  const overGoogle = ofGoogle === undefined ?
    "" :
    `; ${google.name}, bundled, ${print(median(of(ofGoogle)))}: ${exactRatio(own / median(of(ofGoogle)))} of it`
  return {
    goal: `one bundle over node:http: ${goal}`,
    figure: least === undefined
      ? `${print(own)}, and nobody to compare it with`
      : `${print(own)}, and ${print(least[1])} of ${least[0]}${overGoogle}`,
    met: least !== undefined && own <= least[1]
  }
}

const measure = async (extent: Extent, server: Server): Promise<Report> => {
  const directory = publish()
  const able = extent.peers.filter((peer) => peer.cannot.start === undefined)
  const subjects: Array<Subject> = []
  for (const [name, program] of programsOf(able)) subjects.push(await subjectOf(directory, name, program))
  const launched = await launchAll(subjects, variablesOf(server), extent)
  const unable = extent.peers.filter((peer) => peer.cannot.start !== undefined)
  const peers = subjects.map(({ name }) => name).filter((name) =>
    name === overFetch || able.some((peer) => peer.name === name && name !== spotnana.name)
  )
  return {
    columns,
    rows: [
      ...subjects.map(({ name }) => [name, ...cellsOf(launched.get(name)!)]),
      ...unable.map(({ cannot: reasons, name }) => cannot(name, reasons.start ?? "", columns))
    ],
    goals: [
      ...[Programs.ways[0], subpaths].flatMap((way) => goalsOverFloor(launched, way)),
      ...quantities.map((quantity) => goalAmongPeers(launched, peers, quantity))
    ],
    notes: [
      `The floor, \`${floor.name}\`, is Effect making the same two requests: that for a token, which it does not use, ` +
      "and the call with a bearer that never changes. Ratios and differences are of a round.",
      "The library is measured as it is published, in JavaScript. Each process has --expose-gc, and its heap is " +
      "collected a fifth of a second after the answer, before its memory is read."
    ]
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
  what:
    "One program each in a process of its own, as it is installed and in one bundle for Node by rolldown: the CPU " +
    "time, user and system, until the first authenticated answer, one token request and one GET to a loopback server, " +
    "in rounds of rotating order; median and the middle half. Then the memory that the process holds at rest.",
  run
}
