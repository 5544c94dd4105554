// The pinned TypeScript compiler, in Effect's build where there is one for this platform: the same checks, and
// Effect's own, such as for an effect that is never run.
import { spawnSync } from "node:child_process"

const effect = spawnSync("effect-tsgo get-exe-path", { encoding: "utf8", shell: true })
if (effect.status !== 0) console.warn("effect-tsgo has no build for this platform: Effect's own checks are left out")

const [command, args] = effect.status === 0
  ? [effect.stdout.trim(), []]
  : [process.execPath, ["node_modules/typescript/bin/tsc"]]
process.exitCode = spawnSync(command, [...args, ...process.argv.slice(2)], { stdio: "inherit" }).status ?? 1
