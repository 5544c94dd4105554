/** What is checked on which runtime: the tests run it, and the table in docs/runtimes.md is compared with it. */
import { bun, chromium, deno, node, oldNode, workerd } from "./runtimes.ts"
import type { Runtime } from "./runtimes.ts"

/** `–` is not run, for a reason that the text below the table gives. */
export type Cell = "yes" | "no" | "–"

export const columns = ["acquires", "replays", "renews", "resumes", "ends", "shares", "installed"] as const

export type Column = typeof columns[number]

export interface Row {
  readonly runtime: Runtime
  /** The first argument of `main.ts`; `effect3` is the same program for Effect 3. */
  readonly client: "fetch" | "undici" | "http" | "effect3"
  readonly cells: Readonly<Record<Column, Cell>>
}

const clients = {
  fetch: "`FetchHttpClient.layer`",
  undici: "`NodeHttpClient.layerUndici`",
  http: "`NodeHttpClient.layerNodeHttp`",
  effect3: "`FetchHttpClient.layer` of Effect 3"
}

const row = (runtime: Runtime, client: Row["client"], ...cells: ReadonlyArray<Cell>): Row => ({
  runtime,
  client,
  cells: Object.fromEntries(columns.map((column, index) => [column, cells[index]!])) as Row["cells"]
})

export const rows: ReadonlyArray<Row> = [
  row(node, "fetch", "yes", "yes", "yes", "yes", "yes", "yes", "yes"),
  row(node, "undici", "yes", "yes", "yes", "yes", "yes", "–", "–"),
  row(node, "http", "yes", "yes", "yes", "yes", "yes", "–", "–"),
  row(node, "effect3", "yes", "yes", "yes", "yes", "yes", "–", "–"),
  row(oldNode, "fetch", "yes", "yes", "yes", "yes", "yes", "–", "yes"),
  row(oldNode, "effect3", "yes", "yes", "yes", "yes", "yes", "–", "–"),
  row(bun, "fetch", "yes", "yes", "yes", "yes", "yes", "yes", "yes"),
  row(bun, "undici", "no", "–", "–", "–", "–", "–", "–"),
  row(bun, "http", "yes", "yes", "yes", "yes", "yes", "–", "–"),
  row(bun, "effect3", "yes", "yes", "yes", "yes", "yes", "–", "–"),
  row(deno, "fetch", "yes", "yes", "yes", "yes", "yes", "yes", "yes"),
  row(deno, "undici", "yes", "yes", "yes", "yes", "yes", "–", "–"),
  row(deno, "http", "yes", "yes", "yes", "yes", "yes", "–", "–"),
  row(deno, "effect3", "yes", "yes", "yes", "yes", "yes", "–", "–"),
  row(workerd, "fetch", "yes", "yes", "–", "yes", "–", "–", "–"),
  row(chromium, "fetch", "yes", "yes", "yes", "–", "–", "–", "–")
]

/** The name of a row, with the version that it was tested with. */
export const nameOf = ({ client, runtime }: Row): string => `${runtime.name} ${runtime.version}, ${client}`

const line = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |`

/** The table as it stands in docs/runtimes.md. The version of a browser is the machine's: it is among the figures. */
export const table: string = [
  line(["runtime", "`HttpClient`", ...columns]),
  line(["---", "---", ...columns.map(() => "---")]),
  ...rows.map(({ cells, client, runtime }) =>
    line([
      runtime === chromium ? runtime.name : `${runtime.name} ${runtime.version}`,
      clients[client],
      ...columns.map((column) => cells[column])
    ])
  )
].join("\n")
