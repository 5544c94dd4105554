// Draws the rows from top to bottom, each token as a bar beside them: narrow, so that a phone shows it whole.
import { baseColours, fontFamily, line, picture, rect, styleOf, text } from "../svg.ts"
import { clock, nameOf } from "./rows.ts"
import type { Mark, Row } from "./rows.ts"

const width = 420
const timeRight = 72
const lanes = [92, 110] as const
const textLeft = 130
const top = 112
const rowHeight = 30
const detailHeight = 17
/** From here on a break in the bars says that time goes by. */
const longTime = 60_000
const breakHeight = 18

const colours = {
  ...baseColours,
  good: ["#1a7f37", "#3fb950"],
  T0: ["#0969da", "#58a6ff"],
  T1: ["#8250df", "#bc8cff"],
  T2: ["#1a7f37", "#3fb950"],
  T3: ["#9a6700", "#d29922"]
} as const

const style = styleOf(
  colours,
  `text{font:14px ${fontFamily}}
.title{font-size:18px;font-weight:600}.strong{font-weight:600}.small{font-size:12.5px}
.middle{text-anchor:middle}.end{text-anchor:end}
.line{stroke-width:2}.dashed{stroke-dasharray:4 3}.none{fill:none}.gap{stroke-dasharray:2 4}`
)

const titles: Readonly<Record<Row["who"], string>> = {
  program: "f-ink",
  library: "strong f-ink",
  trouble: "strong f-bad",
  relief: "strong f-good"
}

interface Placed extends Row {
  readonly y: number
  /** Where time goes by before it. */
  readonly breakAt: number | undefined
}

const place = (rows: ReadonlyArray<Row>): ReadonlyArray<Placed> => {
  let y = top - rowHeight
  let before: Row | undefined
  return rows.map((row) => {
    const isLong = before !== undefined && row.at - before.at >= longTime
    y += rowHeight + (before?.detail === undefined ? 0 : detailHeight) + (isLong ? breakHeight : 0)
    before = row
    return { ...row, y, breakAt: isLong ? y - 26 : undefined }
  })
}

const laneOf = (token: number): number => lanes[token % lanes.length]!

const cross = (x: number, y: number, classes: string): string =>
  `<path d="M${x - 4} ${y - 4}l8 8m0 -8l-8 8" class="line ${classes}"/>`

/** A token from its request to its end: a dashed line while it is requested, then a bar. */
const drawToken = (token: number, rows: ReadonlyArray<Placed>, bottom: number): string => {
  const yOf = (event: Mark["event"]) =>
    rows.find(({ marks }) => marks.some((mark) => mark.token === token && mark.event === event))?.y
  const [requested, issued] = [yOf("requested")!, yOf("issued")!]
  const end = yOf("replaced")
  const x = laneOf(token)
  const colour = `T${token}`
  return line(x, requested - 5, x, issued - 5, `dashed s-${colour}`) +
    `<circle cx="${x}" cy="${requested - 5}" r="3.5" class="line f-page s-${colour}"/>` +
    rect(x - 4.5, issued - 5, 9, (end ?? bottom) - issued + (end === undefined ? 5 : 0), 4.5, `f-${colour}`) +
    `<circle cx="${x}" cy="${issued - 5}" r="8.5" class="f-${colour}"/>` +
    text(x, issued - 0.5, "middle strong small f-page", nameOf(token))
}

const drawMarks = ({ marks, y }: Placed): string => {
  const [first] = marks
  if (first === undefined) return ""
  const x = laneOf(first.token)
  switch (first.event) {
    case "used":
      return `<circle cx="${x}" cy="${y - 5}" r="2.8" class="f-page"/>`
    case "failed":
      return cross(x, y - 5, "s-bad")
    case "rejected":
      return `<circle cx="${x}" cy="${y - 5}" r="8" class="f-page"/>${cross(x, y - 5, "s-bad")}`
    default:
      return ""
  }
}

const timeOf = (row: Row, before: Row | undefined): string => {
  if (before === undefined || row.at - before.at >= 1000) return clock(row.at)
  return row.at === before.at ? "" : `+${Math.round(row.at - before.at)} ms`
}

const drawRow = (row: Placed, before: Row | undefined): string =>
  [
    text(timeRight, row.y, "end small f-muted", timeOf(row, before)),
    drawMarks(row),
    text(
      textLeft,
      row.y,
      titles[row.who],
      row.title
    ),
    ...(row.detail === undefined ? [] : [text(textLeft, row.y + detailHeight, "small f-muted", row.detail)])
  ].join("")

const legend = (y: number): string => {
  const meaning = (x: number, content: string) => text(x, y, "small f-muted", content)
  return [
    line(16, y - 4, 38, y - 4, "dashed s-T0"),
    meaning(46, "requested"),
    rect(120, y - 8.5, 22, 9, 4.5, "f-T0"),
    `<circle cx="131" cy="${y - 4}" r="2.8" class="f-page"/>`,
    meaning(150, "in use; a dot is a call with it"),
    cross(344, y - 4, "s-bad"),
    meaning(356, "401, 503")
  ].join("")
}

export const draw = (life: {
  readonly title: string
  readonly rows: ReadonlyArray<Row>
  readonly summary: ReadonlyArray<string>
  readonly notes: ReadonlyArray<string>
}): string => {
  const rows = place(life.rows)
  const bottom = rows.at(-1)!.y + detailHeight + 18
  const tokens = new Set(rows.flatMap(({ marks }) => marks.map(({ token }) => token)))
  const summaryTop = bottom + 32
  const notesTop = summaryTop + 22 * life.summary.length + 6
  return picture({
    width,
    height: notesTop + 17 * life.notes.length,
    title: life.title,
    description: [
      ...rows.map(({ at, detail, title }) => `${clock(at)}: ${title}.${detail === undefined ? "" : ` ${detail}.`}`),
      ...life.summary
    ].join("\n"),
    style,
    content: [
      text(16, 34, "title f-ink", life.title),
      legend(66),
      ...[...tokens].map((token) => drawToken(token, rows, bottom)),
      ...rows.flatMap(({ breakAt }) =>
        breakAt === undefined ? [] : [
          rect(lanes[0] - 14, breakAt - 3, lanes[1] - lanes[0] + 28, 5, 0, "f-page") +
          line(textLeft, breakAt, width - 16, breakAt, "gap s-edge") +
          line(16, breakAt, timeRight, breakAt, "gap s-edge")
        ]
      ),
      ...rows.map((row, index) => drawRow(row, rows[index - 1])),
      ...life.summary.map((fact, index) => text(16, summaryTop + 22 * index, "strong f-ink", fact)),
      ...life.notes.map((note, index) => text(16, notesTop + 17 * index, "small f-muted", note))
    ]
  })
}
