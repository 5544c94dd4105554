// Lines over two logarithmic axes, each with its name at its end: an SVG for light and dark pages.
import { baseColours, fontFamily, line, picture, styleOf, text } from "./svg.ts"

export type Point = readonly [x: number, y: number]

export interface Series {
  readonly name: string
  /** With x ascending. Values that are not above zero cannot be shown on these axes, and are not drawn. */
  readonly points: ReadonlyArray<Point>
  /** `main` is the subject of the chart, `floor` is what the others are compared with. */
  readonly role?: "main" | "floor" | undefined
}

export interface Axis {
  readonly label: string
  readonly print: (value: number) => string
}

export interface LineChart {
  readonly title: string
  readonly x: Axis
  readonly y: Axis
  readonly series: ReadonlyArray<Series>
}

const width = 760
const height = 470
const plot = { left: 76, right: 530, top: 78, bottom: 410 } as const
const labelLeft = plot.right + 26
const labelDistance = 17

/** The lines also differ in lightness, dashes and marks, for readers who do not see colours. */
const hues = {
  main: ["#0969da", "#58a6ff"],
  hue0: ["#a04000", "#ff9d57"],
  hue1: ["#00755a", "#35c79a"],
  hue2: ["#963d80", "#e39bd0"],
  hue3: ["#756000", "#d6bd3c"]
} as const

const style = styleOf(
  { ...baseColours, ...hues },
  `text{font:13px ${fontFamily}}
.title{font-size:18px;font-weight:600}.strong{font-weight:600}.middle{text-anchor:middle}.end{text-anchor:end}
.line{fill:none;stroke-width:1}.curve{fill:none;stroke-width:1.8;stroke-linejoin:round}
.thick{stroke-width:4}.dashed{stroke-dasharray:7 4}.dotted{stroke-dasharray:2 4;stroke-width:2.5}`
)

const marks = [
  (x: number, y: number) => `M${x - 3.5} ${y}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z`,
  (x: number, y: number) => `M${x - 3} ${y - 3}h6v6h-6z`,
  (x: number, y: number) => `M${x} ${y - 4}l4 7h-8z`,
  (x: number, y: number) => `M${x} ${y - 4.5}l4.5 4.5l-4.5 4.5l-4.5 -4.5z`
] as const

/** How a line looks. */
interface Look {
  readonly colour: string
  readonly classes: string
  readonly mark: ((x: number, y: number) => string) | undefined
  readonly label: string
}

const looksOf = (series: ReadonlyArray<Series>): ReadonlyArray<Look> => {
  const kinds = Object.keys(hues).length - 1
  let others = 0
  return series.map(({ role }): Look => {
    if (role === "main") return { colour: "main", classes: "thick", mark: marks[0], label: "strong " }
    if (role === "floor") return { colour: "muted", classes: "dotted", mark: undefined, label: "" }
    const other = others++
    return {
      colour: `hue${other % kinds}`,
      classes: Math.floor(other / kinds) % 2 === 0 ? "" : "dashed",
      // Another mark for the same colour.
      mark: marks[(other + Math.floor(other / kinds)) % marks.length],
      label: ""
    }
  })
}

const round = (value: number): number => Math.round(value * 10) / 10

interface Scale {
  readonly of: (value: number) => number
  /** The powers of ten. */
  readonly ticks: ReadonlyArray<number>
}

/** From the power of ten below the least value to that above the greatest. */
const scaleOf = (values: ReadonlyArray<number>, from: number, to: number): Scale => {
  const low = Math.floor(Math.log10(Math.min(...values)))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))))
  return {
    of: (value) => round(from + (Math.log10(value) - low) / (high - low) * (to - from)),
    ticks: Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index))
  }
}

/** The positions of the names: as near to the ends of their lines as possible, without covering one another. */
const labelPlaces = (ends: ReadonlyArray<number>): ReadonlyArray<number> => {
  const order = ends.map((_, index) => index).toSorted((a, b) => ends[a]! - ends[b]!)
  const places = [...ends]
  let lowest = -Infinity
  for (const index of order) lowest = places[index] = Math.max(places[index]!, lowest + labelDistance)
  let highest = Math.max(plot.bottom, plot.top + labelDistance * (ends.length - 1)) + labelDistance
  for (const index of order.toReversed()) highest = places[index] = Math.min(places[index]!, highest - labelDistance)
  return places.map(round)
}

const isDrawable = ([x, y]: Point): boolean => x > 0 && y > 0 && Number.isFinite(x) && Number.isFinite(y)

/** A complete chart. Its description has the numbers, for readers who cannot see it. */
export const lineChart = ({ series, title, x, y }: LineChart): string => {
  const drawn = series
    .map((line) => ({ ...line, points: line.points.filter(isDrawable) }))
    .filter(({ points }) => points.length > 0)
    // The main line is drawn over the others.
    .toSorted((a, b) => Number(a.role === "main") - Number(b.role === "main"))
  const points = drawn.flatMap(({ points }) => points)
  const across = scaleOf(points.map(([x]) => x), plot.left, plot.right)
  const up = scaleOf(points.map(([, y]) => y), plot.bottom, plot.top)
  const looks = looksOf(drawn)
  const places = labelPlaces(drawn.map(({ points }) => up.of(points.at(-1)![1])))
  return picture({
    width,
    height,
    title,
    description: [
      `${y.label}, by ${x.label}.`,
      ...series.map(({ name, points }) =>
        `${name}: ${points.map(([at, value]) => `${y.print(value)} at ${x.print(at)}`).join(", ")}.`
      )
    ].join("\n"),
    style,
    content: [
      text(16, 32, "title f-ink", title),
      text(16, 58, "f-muted", y.label),
      ...up.ticks.map((tick) =>
        line(plot.left, up.of(tick), plot.right, up.of(tick), "s-edge") +
        text(plot.left - 8, up.of(tick) + 4, "end f-muted", y.print(tick))
      ),
      ...across.ticks.map((tick) =>
        line(across.of(tick), plot.top, across.of(tick), plot.bottom, "s-edge") +
        text(across.of(tick), plot.bottom + 20, "middle f-muted", x.print(tick))
      ),
      text((plot.left + plot.right) / 2, plot.bottom + 44, "middle f-muted", x.label),
      ...drawn.map(({ name, points }, index) => {
        const { classes, colour, label, mark } = looks[index]!
        const placed = points.map(([x, y]) => [across.of(x), up.of(y)] as const)
        const [endX, endY] = placed.at(-1)!
        const place = places[index]!
        return [
          `<path d="M${placed.map(([x, y]) => `${x} ${y}`).join("L")}" class="curve ${classes} s-${colour}"/>`,
          ...(mark === undefined ? [] : placed.map(([x, y]) => `<path d="${mark(x, y)}" class="f-${colour}"/>`)),
          line(endX + 6, endY, labelLeft - 5, place, `s-${colour}`),
          text(labelLeft, place + 4, `${label}f-${colour}`, name)
        ].join("")
      })
    ]
  })
}
