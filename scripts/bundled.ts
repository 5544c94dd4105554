// Programs that tests start many times are bundled. They start in a fifth of the time that their 600 modules take.
import * as Fs from "node:fs"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "rolldown"

const root = Path.resolve(import.meta.dirname, "..")
const bundles = new Map<string, Promise<string>>()

// An import by address is for the type checker, which does not follow it. The bundler does not follow it either.
const byAddress = {
  name: "imports by address",
  transform: (code: string) =>
    code.replace(/import\(\s*new URL\(("[^"]+\.ts"), import\.meta\.url\)\.href\s*\)/, "import($1)")
}

const bundle = async (program: string): Promise<string> => {
  const { output: [{ code }] } = await build({
    input: program,
    platform: "node",
    plugins: [byAddress],
    output: { codeSplitting: false },
    write: false
  })
  const file = Path.join(root, ".generated/bundled", `${Path.relative(root, program).replaceAll(Path.sep, "-")}.mjs`)
  Fs.mkdirSync(Path.dirname(file), { recursive: true })
  // Another process of the run may be starting the one that is there.
  const temporary = `${file}.${process.pid}`
  Fs.writeFileSync(temporary, code)
  Fs.renameSync(temporary, file)
  return file
}

/** The file with a program and all that it imports. It is made once for each process that calls this. */
export const bundled = (program: URL): Promise<string> => {
  const path = fileURLToPath(program)
  const made = bundles.get(path) ?? bundle(path)
  bundles.set(path, made)
  return made
}

/** Bundles programs into a directory, where they share the modules that they have in common. */
export const bundleInto = async (directory: string, programs: ReadonlyArray<string>): Promise<void> => {
  await build({ input: [...programs], platform: "node", output: { dir: directory } })
}
