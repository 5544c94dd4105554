// Runs the tests of the types, `*.tst.ts`.
//
// tstyche works with the compiler's JavaScript API, which TypeScript 7 does not have: it gets the TypeScript 6 of the
// lock file. Left to itself it would download one.
import { spawnSync } from "node:child_process"
import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"

const require = createRequire(import.meta.url)
const typescript = require.resolve("typescript-6")
const { version } = require("typescript-6/package.json") as { readonly version: string }

const { status, stdout } = spawnSync(
  process.execPath,
  ["scripts/node_modules/tstyche/dist/bin.js", ...process.argv.slice(2)],
  {
    encoding: "utf8",
    env: {
      ...process.env,
      TSTYCHE_TYPESCRIPT_MODULE: pathToFileURL(typescript).href,
      // Should it want another one all the same, it fails.
      TSTYCHE_NPM_REGISTRY: "http://127.0.0.1:1",
      TSTYCHE_STORE_PATH: ".generated/tstyche",
      TSTYCHE_NO_COLOR: "true"
    },
    stdio: ["ignore", "pipe", "inherit"]
  }
)
process.stdout.write(stdout)
// Where it finds no test, or cannot use its compiler, it says so and is content.
const hasTests = /^Assertions: .*\d+ total$/m.test(stdout)
if (!hasTests) console.error("No type was tested")
const isInstalled = stdout.includes(`uses TypeScript ${version}`)
if (!isInstalled) console.error(`The types were not tested with TypeScript ${version}, which is installed`)
process.exitCode = hasTests && isInstalled ? status ?? 1 : 1
