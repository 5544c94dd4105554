import { expect } from "@effect/vitest"
import { runToEnd } from "../../../../../scripts/processes.ts"

/** Runs a mutant twice and replays what was found: the same each time, and shrunk to a few steps. */
export const expectReplays = async (mutant: string, ...options: ReadonlyArray<string>): Promise<void> => {
  const simulate = (...args: ReadonlyArray<string>) =>
    runToEnd(
      process.execPath,
      [
        "--import",
        "./packages/core/test/trust/simulation/mutate.ts",
        "packages/core/test/trust/simulate.ts",
        ...options,
        ...args
      ],
      { env: { ...process.env, MUTANT: mutant } }
    )
  // Histories grow with their index: with few of them, the mutant is found sooner.
  const found = () => simulate("--histories", "100", "--seed", "3")
  const first = await found()
  expect(first.stderr + first.stdout).toContain("Found in history")
  expect((await found()).stdout).toBe(first.stdout)
  const [, replay] = /--replay '(.*)'/.exec(first.stdout)!
  const seen = (text: string) => text.slice(text.indexOf("shrunk to:"), text.indexOf("Replay:"))
  const replayed = await simulate("--replay", replay!)
  expect([replayed.status, seen(replayed.stdout)]).toEqual([1, seen(first.stdout)])
  expect(seen(first.stdout).match(/"act":/g)!.length).toBeLessThanOrEqual(6)
}
