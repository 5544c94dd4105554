// The pinned TypeScript compiler, in Effect's build where there is one for this platform: the same checks, and
// Effect's own, such as for an effect that is never run.
import { spawnSync } from "node:child_process"

const find = ["node_modules/@effect/tsgo/dist/effect-tsgo.cjs", "get-exe-path"]
const effect = spawnSync(process.execPath, find, { cwd: "scripts", encoding: "utf8" })
if (effect.status !== 0) console.warn("effect-tsgo has no build for this platform: Effect's own checks are left out")

const [command, args] = effect.status === 0
  ? [effect.stdout.trim(), []]
  : [process.execPath, ["scripts/node_modules/typescript/bin/tsc"]]
process.exitCode = spawnSync(command, [...args, ...process.argv.slice(2)], { stdio: "inherit" }).status ?? 1
