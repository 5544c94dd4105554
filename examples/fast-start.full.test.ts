// The example is bundled as it says, and runs twice with one compile cache, away from all packages.
import { assert, describe } from "@effect/vitest"
import { Effect, FileSystem, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { isBuiltin } from "node:module"
import { bundleInto } from "./fast-start/build.ts"
import { endpoints, example } from "./support/run.ts"

describe("fast-start.ts", () => {
  example("runs as one file, with a compile cache", ({ variables }) =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* fs.makeTempDirectoryScoped()
      const file = `${directory}/program.mjs`
      const cache = `${directory}/cache`
      const imports = yield* Effect.promise(() => bundleInto(file, "examples/fast-start.ts"))
      assert.deepStrictEqual(imports.filter((name) => !isBuiltin(name)), [])
      const env = { ...variables, NODE_COMPILE_CACHE: cache }
      const program = Effect.scoped(Effect.gen(function*() {
        const { stdout } = yield* ChildProcess.make(process.execPath, [file], { env, detached: false })
        return yield* Stream.mkString(Stream.decodeText(stdout))
      }))
      assert.deepStrictEqual([yield* program, yield* program], ["200\n", "200\n"])
      assert.isNotEmpty(yield* fs.readDirectory(cache))
      assert.deepStrictEqual(yield* endpoints, ["token 200", "api 200", "token 200", "api 200"])
    }))
})
