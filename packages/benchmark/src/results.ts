// The results as a document, and as text for a terminal.
import * as Fs from "node:fs"
import { createRequire } from "node:module"
import * as Os from "node:os"
import * as Path from "node:path"
import type { Peer } from "./Peer.ts"
import type { Goal, Plot, Report, Scenario } from "./Scenario.ts"

/** A scenario and its result. */
export interface Result {
  readonly scenario: Scenario
  readonly report: Report
}

const cells = (row: ReadonlyArray<string>): string =>
  `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`

const table = (columns: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [cells(columns), cells(columns.map(() => "---")), ...rows.map(cells)].join("\n")

const verdict = ({ met }: Goal): string => met ? "met" : "**missed**"

const goalRows = (goals: ReadonlyArray<Goal>) => goals.map((goal) => [goal.goal, goal.figure, verdict(goal)])

const goalRowsOf = ({ report, scenario }: Result) => goalRows(report.goals).map((row) => [scenario.title, ...row])

const today = (): string => new Date().toISOString().slice(0, 10)

const sectionOf = ({ report, scenario }: Result, measured?: string): string =>
  [
    `## ${scenario.title}`,
    ...(measured === undefined ? [] : [measured]),
    scenario.what,
    table(report.columns, report.rows),
    ...(report.goals.length === 0 ? [] : [table(["goal", "figure", ""], goalRows(report.goals))]),
    ...(report.plots ?? []).map(({ file, title }) => `![${title}](results/${file})`),
    ...(report.notes.length === 0 ? [] : [report.notes.map((note) => `- ${note}`).join("\n")])
  ].join("\n\n")

/** The version of a package that is installed, found from this package. */
const versionOf = (name: string): string => {
  for (const directory of createRequire(import.meta.url).resolve.paths(name) ?? []) {
    const file = Path.join(directory, name, "package.json")
    if (Fs.existsSync(file)) return String(JSON.parse(Fs.readFileSync(file, "utf8")).version)
  }
  throw new Error(`${name} is not installed`)
}

const isOurs = (name: string): boolean => name.startsWith("@effect-spotnana/")

const peerRows = (peers: ReadonlyArray<Peer>): ReadonlyArray<ReadonlyArray<string>> =>
  peers.map(({ name, packages, usage }) => [
    name,
    packages.map((of) => isOurs(of) ? `\`${of}\`, of this tree` : `\`${of}\` ${versionOf(of)}`).join(", "),
    usage
  ])

const machine = (): string => {
  const cpus = Os.cpus()
  const memory = (Os.totalmem() / 2 ** 30).toFixed(0)
  return `${cpus.length} × ${
    cpus[0]?.model.trim() ?? "unknown"
  }, ${memory} GiB, ${Os.type()} ${Os.release()} ${Os.arch()}`
}

/** The whole document, and the goals of the benchmark itself. */
export const documentOf = (
  results: ReadonlyArray<Result>,
  peers: ReadonlyArray<Peer>,
  minutes: number,
  own: ReadonlyArray<Goal> = []
): string =>
  [
    "# Results",
    "<!-- Written by `npx pnpm@10 bench`. -->",
    `Written by \`npx pnpm@10 bench\` on ${today()}, in ${
      minutes.toFixed(0)
    } minutes, where a section does not say otherwise.`,
    table(["", ""], [
      ["machine", machine()],
      ["Node", process.version],
      ["effect", versionOf("effect")],
      ["@effect/platform-node", versionOf("@effect/platform-node")],
      [
        "harness",
        `tinybench ${versionOf("tinybench")} for the gets of tenants`
      ]
    ]),
    "Everybody who is measured in a scenario takes turns with the others in the same run, so that what else the machine " +
    "does falls on all alike. Figures are medians; the middle half is from the first quartile to the third.",
    "## Goals",
    table(
      ["scenario", "goal", "figure", ""],
      [...results.flatMap(goalRowsOf), ...goalRows(own).map((row) => ["This benchmark", ...row])]
    ),
    "## Who is measured",
    table(["client", "packages", "how it is used"], peerRows(peers)),
    ...results.map((result) => sectionOf(result))
  ].join("\n\n") + "\n"

/** The document with one scenario measured anew: its section and its goals are replaced. */
export const withResult = (document: string, result: Result): string => {
  const { id, title } = result.scenario
  const measured = `Measured by \`npx pnpm@10 bench --update ${id}\` on ${today()}.`
  const [head, ...sections] = document.trimEnd().split("\n\n## ")
  if (!sections.some((section) => section.startsWith(`${title}\n`))) {
    throw new Error(`RESULTS.md has no section "${title}": run npx pnpm@10 bench`)
  }
  const updated = sections.map((section) => {
    if (section.startsWith(`${title}\n`)) return sectionOf(result, measured).slice("## ".length)
    if (!section.startsWith("Goals\n")) return section
    const lines = section.split("\n")
    const isOwn = (line: string) => line.startsWith(`| ${title} |`)
    const first = lines.findIndex(isOwn)
    const others = lines.filter((line) => !isOwn(line))
    return [...others.slice(0, first), ...goalRowsOf(result).map(cells), ...others.slice(first)].join("\n")
  })
  return [head, ...updated].join("\n\n## ") + "\n"
}

/** A result as text for a terminal. */
export const shown = (result: Result): string => `\n${sectionOf(result)}\n`

/** Writes the document and its pictures into a directory, and replaces the old ones. */
export const write = (directory: string, document: string, plots: ReadonlyArray<Plot>): void => {
  Fs.rmSync(Path.join(directory, "results"), { force: true, recursive: true })
  writeOver(directory, document, plots)
}

const writeOver = (directory: string, document: string, plots: ReadonlyArray<Plot>): void => {
  const pictures = Path.join(directory, "results")
  Fs.mkdirSync(pictures, { recursive: true })
  for (const { file, svg } of plots) Fs.writeFileSync(Path.join(pictures, file), svg)
  Fs.writeFileSync(Path.join(directory, "RESULTS.md"), document)
}

/** Adds new results to the document in a directory, and their pictures. */
export const update = (directory: string, results: ReadonlyArray<Result>): void =>
  writeOver(
    directory,
    results.reduce(withResult, Fs.readFileSync(Path.join(directory, "RESULTS.md"), "utf8")),
    results.flatMap(({ report }) => report.plots ?? [])
  )
