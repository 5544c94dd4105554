import { readdirSync } from "node:fs"
import { defects } from "./broken/defects.ts"
import type { Defect } from "./broken/defects.ts"
import type { Subject } from "./SubjectProcess.ts"

const directory = new URL("./subjects/", import.meta.url)

/** The subjects that must pass: each file in `subjects`. */
export const subjects: ReadonlyArray<Subject> = readdirSync(directory).toSorted().map((file) => ({
  name: file.replace(/\.ts$/, ""),
  module: new URL(file, directory),
  args: [],
  patience: 60_000
}))

const module = new URL("./broken/naive.ts", import.meta.url)

/** The naive client without a defect. So what a broken client fails is because of its defect. */
export const control: Subject = { name: "naive", module, args: [], patience: 60_000 }

export interface Broken extends Subject {
  readonly defect: Defect
}

/** The subjects that must fail: the naive client with one defect each. */
export const broken: ReadonlyArray<Broken> = (Object.keys(defects) as ReadonlyArray<Defect>).map((defect) => ({
  name: defect,
  module,
  args: [defect],
  patience: 10_000,
  defect
}))
