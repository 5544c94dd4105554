import * as NodeServices from "@effect/platform-node/NodeServices"
import { describe, expect, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import * as Fs from "node:fs"
import { replaceFile } from "../src/replaceFile.ts"
import { reserve } from "../src/reserve.ts"
import { makeUser } from "./support/cli.ts"

const secret = "c4n4ry-s3cr3t"

describe("in a directory where another user may rename files", () => {
  it.live("a new secret goes into the file that was made for it, and not into one that has its name by now", () =>
    Effect.gen(function*() {
      const { file, mode, read, write } = yield* makeUser()
      yield* Effect.scoped(
        Effect.gen(function*() {
          const put = yield* reserve(file("next.env"))
          Fs.renameSync(file("next.env"), file("moved.env"))
          write("next.env", "", 0o666)
          yield* put(secret)
        })
      )
      expect([read("next.env"), read("moved.env"), mode("moved.env")]).toEqual(["", secret, 0o600])
    }).pipe(Effect.provide(NodeServices.layer)))

  // Only root can give a file away.
  it.live.skipIf(process.getuid?.() !== 0)(
    "a file that root replaces gives its owner that file, and not the one to which its name leads by now",
    () =>
      Effect.gen(function*() {
        const { file, write } = yield* makeUser()
        const fs = yield* FileSystem.FileSystem
        write("of-root", secret)
        const draft = file(`app.env.${process.pid}`)
        const renaming = FileSystem.FileSystem.of({
          ...fs,
          open: (path, options) =>
            Effect.tap(fs.open(path, options), () =>
              Effect.sync(() => {
                Fs.renameSync(draft, file("moved.env"))
                Fs.symlinkSync(file("of-root"), draft)
              }))
        })
        yield* Effect.provideService(
          replaceFile(file("app.env"), secret, { uid: 12_345, gid: 12_346 }),
          FileSystem.FileSystem,
          renaming
        )
        expect(["of-root", "moved.env"].map((name) => Fs.statSync(file(name)).uid)).toEqual([0, 12_345])
      }).pipe(Effect.provide(NodeServices.layer))
  )
})
