// Draws scenes as a sequence diagram.
import { baseColours, escape, fontFamily, line, picture, rect, styleOf, text } from "../svg.ts"
import type { Row } from "./rows.ts"
import { processes } from "./run.ts"
import type { Process } from "./run.ts"

export interface Scene {
  readonly title: string
  readonly summary: string
  readonly rows: ReadonlyArray<Row>
}

export interface Picture {
  readonly title: string
  readonly scenes: ReadonlyArray<Scene>
  /** Lines below the scenes. */
  readonly notes: ReadonlyArray<string>
}

const width = 900
const margin = 16
const rowHeight = 30
/** A gap in the vertical lines stands for a time that is long beside the others. */
const longTime = 200
const gapHeight = 16

const lifeLines = { A: 124, B: 228, C: 332, store: 586, endpoint: 810 } as const
type LifeLine = keyof typeof lifeLines
const names: ReadonlyArray<readonly [LifeLine, string]> = [
  ["A", "process A"],
  ["B", "process B"],
  ["C", "process C"],
  ["store", "store"],
  ["endpoint", "token endpoint"]
]

const colours = {
  ...baseColours,
  A: ["#0969da", "#58a6ff"],
  B: ["#8250df", "#bc8cff"],
  C: ["#1a7f37", "#3fb950"]
} as const
type Colour = keyof typeof colours

const style = styleOf(
  colours,
  `text{font:12.5px ${fontFamily}}
.title{font-size:20px;font-weight:600}.scene{font-size:16px;font-weight:600}.strong{font-weight:600}
.middle{text-anchor:middle}.end{text-anchor:end}
.line{stroke-width:1.5}.dashed{stroke-dasharray:5 3}.gap{stroke-dasharray:1.5 4}
.waits{fill-opacity:.35}.frozen{stroke-width:1;stroke-dasharray:2 2}`
)

/** What is done and, in bold, what comes of it. */
const words = (x: number, y: number, content: string): string => {
  const [action, result] = content.split(": ")
  if (result === undefined) return text(x, y, "middle f-ink", content)
  const colour: Colour = result === "refused" ? "bad" : "ink"
  return `<text x="${x}" y="${y}" class="middle f-ink">${action}: ` +
    `<tspan class="strong f-${colour}">${escape(result)}</tspan></text>`
}

const dot = (process: Process, x: number, y: number): string =>
  `<circle cx="${x}" cy="${y}" r="6" class="f-${process} s-card line"/>`

const pill = (x: number, y: number, content: string, colour: Colour): string => {
  const width = content.length * 6 + 20
  return rect(x - width / 2, y - 10.5, width, 21, 10.5, `line f-page s-${colour}`) + words(x, y + 4.5, content)
}

/** An arrow between processes and who answers them. One line serves all that do the same. */
const arrow = ({ kind, label, processes }: Row, y: number): string => {
  const isToProcess = kind === "told" || kind === "answered"
  const other = lifeLines[kind === "store" || kind === "told" ? "store" : "endpoint"]
  const before = kind === "store" || kind === "told" ? lifeLines.C : lifeLines.store
  const colour: Colour = processes.length === 1 ? processes[0]! : "muted"
  const head = (x: number, direction: 1 | -1, colour: Colour) =>
    `<path d="M${x} ${y}l${-10 * direction} -5v10z" class="f-${colour}"/>`
  const [first] = processes
  return (isToProcess
    ? line(lifeLines[first!] + 14, y, other, y, `dashed s-${colour}`) +
      processes.map((process) => head(lifeLines[process] + 6, -1, process)).join("")
    : line(lifeLines[first!], y, other - 9, y, `s-${colour}`) + head(other - 1, 1, colour) +
      processes.map((process) => dot(process, lifeLines[process], y)).join("")) +
    words((before + other) / 2, y - 6, label)
}

const drawRow = (row: Row, y: number): string => {
  switch (row.kind) {
    case "store":
    case "told":
    case "requests":
    case "answered":
      return arrow(row, y)
    case "begins":
    case "ends":
    case "freezes":
    case "wakes":
      return row.processes.map((process) => pill(lifeLines[process], y, row.label, process)).join("")
  }
}

type State = "waits" | "holds" | "frozen"

const bars: Readonly<Record<State, (process: Process, x: number, from: number, to: number) => string>> = {
  frozen: (_, x, from, to) => rect(x - 11, from, 22, to - from, 3, "frozen f-edge s-muted"),
  waits: (process, x, from, to) => rect(x - 4, from, 8, to - from, 0, `waits f-${process}`),
  holds: (process, x, from, to) => rect(x - 4, from, 8, to - from, 0, `f-${process}`)
}

/** The bars on the vertical lines: which process waits, has the lease, is frozen. */
const drawBars = (rows: ReadonlyArray<Row>, ys: ReadonlyArray<number>): string => {
  const drawn: Record<State, string> = { frozen: "", waits: "", holds: "" }
  const open = new Map<string, number>()
  const start = (state: State, process: Process, y: number) => void open.set(`${state} ${process}`, y)
  const stop = (state: State, process: Process, y: number) => {
    const from = open.get(`${state} ${process}`)
    if (from !== undefined) drawn[state] += bars[state](process, lifeLines[process], from, y)
    open.delete(`${state} ${process}`)
  }
  for (const [index, row] of rows.entries()) {
    const y = ys[index]!
    const isGranted = row.label.startsWith("lease: granted")
    // Whose lease ran out learns of it later.
    if (isGranted) processes.forEach((process) => stop("holds", process, y))
    for (const process of row.processes) {
      if (isGranted) start("holds", process, y)
      if (row.label.startsWith("write")) stop("holds", process, y)
      if (row.kind === "begins") start("waits", process, y)
      if (row.kind === "ends") stop("waits", process, y)
      if (row.kind === "freezes") start("frozen", process, y)
      if (row.kind === "wakes") stop("frozen", process, y)
    }
  }
  return drawn.frozen + drawn.waits + drawn.holds
}

const time = (millis: number): string => millis < 1000 ? `${millis} ms` : `${(millis / 1000).toFixed(3)} s`

const drawScene = ({ rows, summary, title }: Scene, top: number): readonly [svg: string, bottom: number] => {
  const ys: Array<number> = []
  const gaps: Array<number> = []
  for (const [index, { at }] of rows.entries()) {
    const before = rows[index - 1]
    const isLong = before !== undefined && at - before.at >= longTime
    const y = before === undefined ? top + 124 : ys.at(-1)! + rowHeight + (isLong ? gapHeight : 0)
    if (isLong) gaps.push(y - rowHeight / 2 - gapHeight / 2 - 2)
    ys.push(y)
  }
  const bottom = ys.at(-1)! + 30
  const lines = names.map(([lifeLine, name]) => {
    const x = lifeLines[lifeLine]
    const box = lifeLine === "endpoint" ? 118 : 82
    const colour: Colour = lifeLine === "store" || lifeLine === "endpoint" ? "muted" : lifeLine
    const from = [top + 92, ...gaps.map((y) => y + 10)]
    const to = [...gaps.map((y) => y - 10), bottom - 12]
    return from.map((y, index) => line(x, y, x, to[index]!, "s-edge")).join("") +
      gaps.map((y) => line(x, y - 9, x, y + 10, "s-muted gap")).join("") +
      rect(x - box / 2, top + 68, box, 26, 5, `line f-page s-${colour}`) +
      text(x, top + 85.5, "middle strong f-ink", name)
  }).join("\n")
  return [
    [
      rect(margin, top, width - 2 * margin, bottom - top, 8, "f-card s-edge"),
      text(margin + 18, top + 30, "scene f-ink", title),
      text(margin + 18, top + 50, "f-muted", summary),
      lines,
      drawBars(rows, ys),
      ...rows.map((row, index) =>
        (row.at === rows[index - 1]?.at ? "" : text(66, ys[index]! + 4.5, "end f-muted", time(row.at))) +
        drawRow(row, ys[index]!)
      )
    ].join("\n"),
    bottom
  ]
}

/** What the bars and dots mean. */
const legend = (y: number): string => {
  const bar = (x: number, state: State, meaning: string) =>
    bars[state]("A", x, y - 12.5, y + 3.5) + text(x + 18, y, "f-muted", meaning)
  return bar(margin + 12, "waits", "a caller waits") +
    bar(160, "holds", "has the lease") +
    bar(296, "frozen", "is frozen") +
    line(400, y - 4.5, 454, y - 4.5, "s-muted") +
    processes.map((process, index) => dot(process, 400 + 18 * index, y - 4.5)).join("") +
    text(464, y, "f-muted", "each of them does it") +
    line(640, y - 12, 640, y + 4, "s-muted gap") +
    text(652, y, "f-muted", "time goes by")
}

const inSentences = ({ rows, summary, title }: Scene): string =>
  [
    `${title}. ${summary}`,
    ...rows.map(({ at, label, processes }) => `${time(at)}, ${processes.join(", ")} – ${label}.`)
  ]
    .join(" ")

export const draw = ({ notes, scenes, title }: Picture): string => {
  const drawn: Array<string> = []
  let y = 92
  for (const scene of scenes) {
    const [svg, bottom] = drawScene(scene, y)
    drawn.push(svg)
    y = bottom + 18
  }
  const height = y + 18 * notes.length + 8
  return picture({
    width,
    height,
    title,
    description: scenes.map(inSentences).join("\n"),
    style,
    content: [
      text(margin, 38, "title f-ink", title),
      legend(70),
      ...drawn,
      ...notes.map((note, index) => text(margin + 2, y + 12 + 18 * index, "f-muted", note))
    ]
  })
}
