// A reporter that prints what the tests measured: their tables, and one table of all figures.
import type { Reporter, TestModule } from "vitest/node"
import type { Figure, Table } from "../packages/core/test/support/figures.ts"

const line = (cells: ReadonlyArray<string>) => `| ${cells.join(" | ")} |\n`

const markdown = ({ columns, rows, title }: Table): string =>
  `\n${title}\n\n${line(columns)}${line(columns.map(() => "---"))}${rows.map(line).join("")}`

/** Counts of the same thing, from several tests, as one. */
const sum = (figures: ReadonlyArray<Figure>): ReadonlyArray<Figure> => {
  const sums = new Map<string, Figure>()
  for (const figure of figures) {
    const key = `${figure.of}\n${figure.claim}`
    const before = sums.get(key)
    const total = before === undefined ? figure.figure : String(Number(before.figure) + Number(figure.figure))
    sums.set(key, { ...figure, figure: total })
  }
  return [...sums.values()]
}

export const figuresReporter: Reporter = {
  onTestRunEnd: (modules: ReadonlyArray<TestModule>) => {
    const figures: Array<Figure> = []
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const meta = test.meta()
        for (const table of meta.tables ?? []) process.stdout.write(markdown(table))
        figures.push(...(meta.figures ?? []))
      }
    }
    if (figures.length === 0) return
    const rows = sum(figures)
      .toSorted((a, b) => a.of.localeCompare(b.of))
      .map(({ claim, figure, of }) => [of, figure, claim])
    process.stdout.write(markdown({ title: "Figures", columns: ["what", "figure", "claim"], rows }))
  }
}
