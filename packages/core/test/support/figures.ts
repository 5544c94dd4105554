import type { TestContext } from "vitest"

/** What a test measured, for the table that the run prints at its end. */
export interface Figure {
  /** What was counted or measured: `histories`, `faults`. */
  readonly of: string
  /** How many, or how much, with its unit. Plain numbers of the same thing, from several tests, are added up. */
  readonly figure: string
  /** What that says. */
  readonly claim: string
}

/** A table of its own, printed above the figures. */
export interface Table {
  readonly title: string
  readonly columns: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
}

declare module "vitest" {
  interface TaskMeta {
    figures?: ReadonlyArray<Figure>
    tables?: ReadonlyArray<Table>
  }
}

/** Hands a figure to the run; see `scripts/figures.ts`, which prints it. */
export const reportFigure = ({ task }: TestContext, figure: Figure): void => {
  task.meta.figures = [...(task.meta.figures ?? []), figure]
}

/** Hands the number of searches that found nothing to the run. */
export const reportSearches = (context: TestContext, searches: number): void =>
  reportFigure(context, {
    of: "leak searches",
    figure: String(searches),
    claim: "one for each form of a secret or a token in the output of a scenario; none found"
  })

/** Hands a table to the run. */
export const reportTable = ({ task }: TestContext, table: Table): void => {
  task.meta.tables = [...(task.meta.tables ?? []), table]
}
