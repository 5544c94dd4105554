// Installs what a command needs, and no more, and runs it: `node scripts/install.mjs demo node examples/demo.ts`.
//
// Plain JavaScript: the Node of the machine runs it, which may be one that knows no TypeScript. What was installed for
// one command stays for the others.
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Path from "node:path"

const root = ["--filter", "effect-spotnana", "--filter", "./packages/*", "--filter", "!@effect-spotnana/benchmark"]
const libraries = [...root, "--filter", "!@effect-spotnana/conformance"]

/** The smallest first. Each has what the one before it has, and a file that shows that it is installed. */
const sizes = [
  { name: "demo", args: ["--prod", ...libraries], proof: "node_modules/effect" },
  { name: "test", args: libraries, proof: "node_modules/vitest" },
  { name: "check", args: [...root, "--filter", "./scripts"], proof: "scripts/node_modules" },
  { name: "full", args: [], proof: "packages/benchmark/node_modules" }
]

// Ctrl-C is for the command, whose end is waited for.
process.on("SIGINT", () => {})

/** Runs a command to its end, found as a shell finds it. Ends this process where it fails. */
const run = async (command, args) => {
  const child = spawn(command, args, { shell: process.platform === "win32", stdio: "inherit" })
  const [status] = await once(child, "close")
  if (status !== 0) process.exit(status ?? 1)
}

const [size, command, ...args] = process.argv.slice(2)
const wanted = sizes.findIndex(({ name }) => name === size)
if (wanted === -1) throw new Error(`Expected one of ${sizes.map(({ name }) => name).join(", ")}, and a command`)

// A smaller installation than the one that is there would take away from it.
const present = sizes.findLastIndex(({ proof }) => Fs.existsSync(proof))
const installation = sizes[Math.max(wanted, present)]

const hash = createHash("sha256")
for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml"]) hash.update(Fs.readFileSync(file))
const state = `${installation.name} ${hash.digest("hex")}\n`
const record = "node_modules/.installed"

if (!Fs.existsSync(record) || Fs.readFileSync(record, "utf8") !== state) {
  // pnpm says where it is to whatever it runs.
  const pnpm = process.env.npm_execpath ?? ""
  const [program, before] = pnpm.endsWith("js") ? [process.execPath, [pnpm]] : ["npx", ["--yes", "pnpm@10"]]
  await run(program, [...before, "install", "--frozen-lockfile", "--config.confirm-modules-purge=false", ...installation.args])
  Fs.writeFileSync(record, state)
}

// The compilers, linters and other tools are those of `scripts`.
process.env.PATH = `${Path.resolve("scripts/node_modules/.bin")}${Path.delimiter}${process.env.PATH}`
if (command !== undefined) await run(command, args)
