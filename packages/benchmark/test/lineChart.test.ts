import { describe, expect, it } from "vitest"
import { lineChart } from "../src/support/lineChart.ts"
import type { Series } from "../src/support/lineChart.ts"
import { xmlFaults } from "../src/support/xml.ts"

const chartOf = (series: ReadonlyArray<Series>): string =>
  lineChart({
    title: "Cost",
    x: { label: "requests", print: String },
    y: { label: "seconds", print: (value) => `${value} s` },
    series
  })

/** Where the names stand, by name. */
const labels = (svg: string): ReadonlyMap<string, number> =>
  new Map(
    [...svg.matchAll(/<text x="556" y="([\d.]+)" class="[^"]*">([^<]*)</g)].map(([, y, name]) => [name!, Number(y)])
  )

const curves = (svg: string): ReadonlyArray<ReadonlyArray<readonly [number, number]>> =>
  [...svg.matchAll(/d="M([^"]*)" class="curve/g)].map(([, path]) =>
    path!.split("L").map((point) => {
      const [x, y] = point.split(" ").map(Number)
      return [x!, y!] as const
    })
  )

describe("the line chart", () => {
  it("is XML, whatever the names are", () => {
    const svg = chartOf([{ name: "a < b & \"c\"", points: [[1, 2], [10, 20]] }])
    expect(xmlFaults(svg)).toEqual([])
    expect(svg).toContain("a &lt; b &amp; \"c\"")
  })

  it("has the same distance for the same factor", () => {
    const [curve] = curves(chartOf([{ name: "a", points: [[1, 1], [10, 10], [100, 100], [1000, 1000]] }]))
    const steps = curve!.slice(1).map(([x, y], index) => [x - curve![index]![0], curve![index]![1] - y])
    for (const [right, up] of steps) {
      expect(right).toBeCloseTo(steps[0]![0]!, 0)
      expect(up).toBeCloseTo(steps[0]![1]!, 0)
      expect(up).toBeGreaterThan(0)
    }
  })

  it("keeps apart the names of lines that end at the same place, and leaves them on the page", () => {
    const names = Array.from({ length: 10 }, (_, index) => `client ${index}`)
    for (const end of [1, 7, 1000]) {
      const svg = chartOf([
        { name: "least", points: [[1, 1], [10, 1]] },
        { name: "most", points: [[1, 1000], [10, 1000]] },
        ...names.map((name): Series => ({ name, points: [[1, 5], [10, end]] }))
      ])
      const places = labels(svg)
      expect([...places.keys()].toSorted()).toEqual([...names, "least", "most"].toSorted())
      const sorted = [...places.values()].toSorted((a, b) => a - b)
      for (const [index, place] of sorted.slice(1).entries()) {
        expect(place - sorted[index]!).toBeGreaterThanOrEqual(16.9)
      }
      expect(sorted[0]).toBeGreaterThan(60)
      expect(sorted.at(-1)).toBeLessThan(460)
    }
  })

  it("names the lines in the order of their ends", () => {
    const places = labels(chartOf([
      { name: "low", points: [[1, 1], [10, 2]] },
      { name: "high", points: [[1, 1], [10, 200]] },
      { name: "middle", points: [[1, 1], [10, 20]] }
    ]))
    expect([...places].toSorted(([, a], [, b]) => a - b).map(([name]) => name)).toEqual(["high", "middle", "low"])
  })

  it("draws none of what is not above zero, and tells it to who does not see the chart", () => {
    const svg = chartOf([
      { name: "nothing", points: [[1, 0], [10, 0]] },
      { name: "something", points: [[1, -3], [10, 4], [100, 5]] }
    ])
    expect(curves(svg).map((curve) => curve.length)).toEqual([2])
    expect([...labels(svg).keys()]).toEqual(["something"])
    expect(svg).toContain("nothing: 0 s at 1, 0 s at 10.")
    expect(svg).toContain("something: -3 s at 1, 4 s at 10, 5 s at 100.")
    expect(svg).not.toContain("NaN")
  })

  it("gives ten lines ten looks, and what it is about a look of its own", () => {
    const svg = chartOf([
      { name: "ours", points: [[1, 1], [10, 1]], role: "main" },
      { name: "floor", points: [[1, 1], [10, 1]], role: "floor" },
      ...Array.from(
        { length: 8 },
        (_, index): Series => ({ name: `${index}`, points: [[1, index + 1], [10, index + 1]] })
      )
    ])
    const looks = [...svg.matchAll(/class="curve ([^"]*)"/g)].map(([, look]) => look)
    expect(new Set(looks).size).toBe(10)
    expect(looks.at(-1)).toBe("thick s-main")
  })
})
