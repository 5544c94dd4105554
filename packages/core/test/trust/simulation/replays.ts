import { expect } from "@effect/vitest"
import { spawnSync } from "node:child_process"

/** Runs a mutant twice and replays what was found: the same each time, and shrunk to a few steps. */
export const expectReplays = (mutant: string, ...options: ReadonlyArray<string>): void => {
  const simulate = (...args: ReadonlyArray<string>) =>
    spawnSync(
      process.execPath,
      [
        "--import",
        "./packages/core/test/trust/simulation/mutate.ts",
        "packages/core/test/trust/simulate.ts",
        ...options,
        ...args
      ],
      { encoding: "utf8", env: { ...process.env, MUTANT: mutant } }
    )
  const first = simulate("--seed", "3")
  expect(first.stderr + first.stdout).toContain("Found in history")
  expect(simulate("--seed", "3").stdout).toBe(first.stdout)
  const [, replay] = /--replay '(.*)'/.exec(first.stdout)!
  const seen = (text: string) => text.slice(text.indexOf("shrunk to:"), text.indexOf("Replay:"))
  const replayed = simulate("--replay", replay!)
  expect([replayed.status, seen(replayed.stdout)]).toEqual([1, seen(first.stdout)])
  expect(seen(first.stdout).match(/"act":/g)!.length).toBeLessThanOrEqual(6)
}
