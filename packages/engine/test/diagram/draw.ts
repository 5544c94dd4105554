import { baseColours, escape, fontFamily, picture, rect, styleOf, text } from "../../../../scripts/svg.ts"
import type { Cause, Edge, Phase } from "./transitions.ts"
import { phases } from "./transitions.ts"

interface Box {
  readonly x: number
  readonly y: number
  readonly meaning: string
  /** Whether callers get a token. */
  readonly isGood: boolean
}

const width = 1040
const height = 580
const boxWidth = 168
const boxHeight = 52

const boxes: Readonly<Record<Phase, Box>> = {
  empty: { x: 120, y: 120, meaning: "no token yet", isGood: false },
  expired: { x: 120, y: 420, meaning: "no token any more", isGood: false },
  "backing off": { x: 400, y: 120, meaning: "after a failure", isGood: false },
  acquiring: { x: 400, y: 270, meaning: "callers wait", isGood: false },
  refused: { x: 400, y: 420, meaning: "after a refusal", isGood: false },
  valid: { x: 660, y: 270, meaning: "callers get the token", isGood: true },
  renewing: { x: 920, y: 120, meaning: "callers get the token", isGood: true },
  suspect: { x: 920, y: 420, meaning: "callers wait up to 1 s", isGood: true }
}

const colours = {
  ...baseColours,
  good: ["#1a7f37", "#3fb950"],
  flow: ["#59636e", "#9198a1"]
} as const

const style = styleOf(
  colours,
  `text{font:12.5px ${fontFamily}}.title{font-size:18px;font-weight:600}.strong{font-weight:600;font-size:14px}
.middle{text-anchor:middle}.end{text-anchor:end}.box{stroke-width:1.5}.edge{fill:none;stroke-width:1.4}.time{stroke-dasharray:3 4}
.label{paint-order:stroke;stroke-width:5px;stroke-linejoin:round}`
)

interface Bend {
  /** How far the middle of the line is to the right of the straight one, seen along it. */
  readonly by: number
  /** Where on the line its label is. */
  readonly at: number
}

const plain: Bend = { by: 0, at: 0.5 }

// What a straight line would hide.
const bends: Readonly<Record<string, Bend>> = {
  "acquiring>refused": { by: -62, at: 0.5 },
  "refused>acquiring": { by: -44, at: 0.55 },
  "expired>acquiring": { by: 0, at: 0.36 },
  "empty>acquiring": { by: 0, at: 0.36 },
  "backing off>expired": { by: 60, at: 0.5 },
  "refused>empty": { by: -60, at: 0.5 },
  "valid>renewing": { by: -30, at: 0.5 },
  "renewing>valid": { by: -30, at: 0.5 },
  "valid>suspect": { by: 30, at: 0.5 },
  "suspect>valid": { by: 30, at: 0.5 },
  "renewing>suspect": { by: -24, at: 0.5 },
  "suspect>renewing": { by: -24, at: 0.5 },
  "renewing>acquiring": { by: 60, at: 0.5 },
  "suspect>acquiring": { by: -60, at: 0.5 },
  "valid>expired": { by: -160, at: 0.5 }
}

/** Where a line from the middle of a box to a point leaves the box. */
const leave = ({ x, y }: Box, toX: number, toY: number): readonly [number, number] => {
  const [dx, dy] = [toX - x, toY - y]
  const scale = Math.min((boxWidth / 2 + 5) / Math.abs(dx || 1e-9), (boxHeight / 2 + 5) / Math.abs(dy || 1e-9))
  return [x + dx * scale, y + dy * scale]
}

const round = (value: number): number => Math.round(value * 10) / 10

const drawEdge = ({ causes, from, to }: Edge): { readonly line: string; readonly label: string } => {
  const { at, by } = bends[`${from}>${to}`] ?? plain
  const [start, end] = [boxes[from], boxes[to]]
  const length = Math.hypot(end.x - start.x, end.y - start.y)
  const controlX = (start.x + end.x) / 2 - 2 * by * (end.y - start.y) / length
  const controlY = (start.y + end.y) / 2 + 2 * by * (end.x - start.x) / length
  const [fromX, fromY] = leave(start, controlX, controlY)
  const [toX, toY] = leave(end, controlX, controlY)
  const on = (from: number, control: number, to: number) =>
    (1 - at) ** 2 * from + 2 * at * (1 - at) * control + at ** 2 * to
  const names = causes.filter((cause) => cause !== "Time")
  const [labelX, labelY] = [on(fromX, controlX, toX), on(fromY, controlY, toY) + 4 - 8 * (names.length - 1)]
  const path = `M${round(fromX)} ${round(fromY)}Q${round(controlX)} ${round(controlY)} ${round(toX)} ${round(toY)}`
  const isTime = names.length === 0
  return {
    line: `<path d="${path}" class="edge s-${isTime ? "edge time" : "flow"}" marker-end="url(#arrow)"/>`,
    label: names
      .map((name, index) => text(round(labelX), round(labelY + 16 * index), "middle label f-ink s-page", name))
      .join("")
  }
}

const drawBox = (phase: Phase): string => {
  const { isGood, meaning, x, y } = boxes[phase]
  const [left, upper] = [x - boxWidth / 2, y - boxHeight / 2]
  return rect(left, upper, boxWidth, boxHeight, 10, `box f-card ${isGood ? "s-good" : "s-edge"}`) +
    text(x, y - 4, `strong middle ${isGood ? "f-good" : "f-ink"}`, phase) +
    text(x, y + 15, "middle f-muted", meaning)
}

/** What leads to `valid` from everywhere is said once, and not drawn seven times. */
const fold = (edges: ReadonlyArray<Edge>, cause: Cause): ReadonlyArray<Edge> | undefined => {
  const others = phases.filter((phase) => phase !== "valid")
  const leadsThere = (phase: Phase) =>
    edges.some(({ causes, from, to }) => from === phase && to === "valid" && causes.includes(cause))
  if (!others.every(leadsThere)) return undefined
  return edges
    .map((edge) => edge.to === "valid" ? { ...edge, causes: edge.causes.filter((each) => each !== cause) } : edge)
    .filter(({ causes }) => causes.length > 0)
}

export const draw = (edges: ReadonlyArray<Edge>): string => {
  const folded = fold(edges, "TokenShared")
  const drawn = (folded ?? edges).map(drawEdge)
  const notes = [
    "A green border: there is a token that has not expired. A dashed line: time passes.",
    ...(folded === undefined ? [] : ["TokenShared, from another process, leads to valid from everywhere."])
  ]
  return picture({
    width,
    height,
    title: "The lifecycle of a token",
    description: edges.map(({ causes, from, to }) => `${from} to ${to}: ${causes.join(", ")}.`).join("\n"),
    style,
    content: [
      "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" " +
      "orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" class=\"f-flow\"/></marker></defs>",
      text(36, 44, "title f-ink", "The lifecycle of a token"),
      ...drawn.map(({ line }) => line),
      ...phases.map(drawBox),
      ...drawn.map(({ label }) => label).filter((label) => label !== ""),
      ...notes.map((note, index) => text(36, height - 40 + 20 * index, "f-muted", escape(note)))
    ]
  })
}
