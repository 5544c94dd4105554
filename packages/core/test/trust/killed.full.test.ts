import { FileTokenStore, TokenStore } from "@effect-spotnana/core"
import { NodeServices } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, FileSystem, Layer, Option, Path, Redacted } from "effect"
import { Digest, SecureRandom } from "effect/crypto"
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { once } from "node:events"
import { bundled } from "../../../../scripts/bundled.ts"
import { endWithTest, inGroup } from "../../../../scripts/processes.ts"
import { makeFileBackend } from "../../src/internal/tokenStore/file.ts"
import { reportFigure } from "../support/figures.ts"

const atATime = 4
// Each of the four and seven moments below with each other, for each of those at a time.
const kills = atATime * 4 * 7

const services = Layer.mergeAll(NodeServices.layer, Digest.layerWebCrypto, SecureRandom.layerWebCrypto)
const temporary = Effect.orDie(FileSystem.FileSystem.use((fs) => fs.makeTempDirectoryScoped()))
const backendAt = makeFileBackend

/** Where a key is kept: what a person can read of it, and its hash. */
const folderOf = (key: string) =>
  `${key.replace(/:[^:]*$/, "").replaceAll(":", "-")}-${createHash("sha256").update(key).digest("hex").slice(0, 32)}`

describe("a token store in a directory", () => {
  it.live(`survives kill -9 in the middle of a writing, ${kills} times`, (context) =>
    Effect.gen(function*() {
      const writer = yield* Effect.promise(() => bundled(new URL("./fleet/writer.ts", import.meta.url)))
      const directory = yield* temporary
      const backend = yield* backendAt(directory)
      let written = 0
      yield* Effect.forEach(
        Array.from({ length: atATime }, (_, index) => `test:client:${index}`),
        (key) =>
          Effect.gen(function*() {
            let last = 0
            for (let n = 0; n < kills / atATime; n++) {
              yield* Effect.promise(async () => {
                const child = endWithTest(
                  spawn(
                    process.execPath,
                    [writer, directory, key],
                    { ...inGroup, stdio: ["ignore", "pipe", "inherit"] }
                  )
                )
                const exit = once(child, "exit")
                // At another moment each time: within the first writing, or some writings later.
                const writings = n % 4
                for (let seen = ""; seen.split(">").length <= writings || !seen.endsWith("<");) {
                  seen += String((await once(child.stdout, "data"))[0])
                }
                await new Promise((resolve) => setTimeout(resolve, n % 7))
                child.kill("SIGKILL")
                await exit
              })
              const found = yield* backend.read(key)
              if (Option.isSome(found)) {
                const { payload, version } = found.value
                expect([key, n, version >= last]).toEqual([key, n, true])
                expect(Redacted.value(payload)).toMatch(new RegExp(`^whole-${version}-x{4096}-end$`))
                if (version > last) written += 1
                last = version
              }
            }
            // Nothing that somebody left behind keeps the next one out.
            yield* Effect.sleep("100 millis")
            const lease = yield* backend.lease(key, Duration.minutes(1))
            expect(lease._tag).toBe("Granted")
            if (lease._tag === "Granted") {
              expect(lease.fence).toBeGreaterThan(last)
              expect(yield* backend.write(key, lease.fence, Redacted.make("next"), Duration.minutes(1))).toBe(true)
            }
            const fs = yield* FileSystem.FileSystem
            const path = yield* Path.Path
            expect((yield* fs.readDirectory(path.join(directory, folderOf(key)))).length).toBeLessThan(8)
          }),
        { concurrency: "unbounded", discard: true }
      )
      // One in four may be killed within its first writing.
      expect(written).toBeGreaterThanOrEqual(kills * 3 / 4)
      reportFigure(context, {
        of: "kill -9 of a process that writes to a directory",
        figure: String(kills),
        claim: "the stored token is complete and never older than before, and the next process gets the lease"
      })
    }).pipe(Effect.provide(services)))

  it.live("refuses a directory that others can read, and a file", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const directory = yield* temporary
      yield* fs.chmod(directory, 0o755)
      const error = yield* Effect.flip(backendAt(directory))
      expect(error.message).toContain(`${directory} is open to others, with mode 755.`)

      yield* fs.chmod(directory, 0o700)
      const backend = yield* backendAt(directory)
      const lease = yield* backend.lease("a:b:c", Duration.minutes(1))
      const fence = lease._tag === "Granted" ? lease.fence : 0
      yield* backend.write("a:b:c", fence, Redacted.make("x"), Duration.minutes(1))
      const folder = path.join(directory, folderOf("a:b:c"))
      for (const name of yield* fs.readDirectory(folder)) {
        expect([name, (yield* fs.stat(path.join(folder, name))).mode & 0o777]).toEqual([name, 0o600])
      }
      expect((yield* fs.stat(folder)).mode & 0o777).toBe(0o700)
      yield* fs.chmod(path.join(folder, `token.${fence}`), 0o644)
      expect((yield* Effect.flip(backend.read("a:b:c"))).message).toContain(`token.${fence} is open to others`)
    }).pipe(Effect.provide(services)))

  it.live("says so where there can be no directory, and where there is no key", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* temporary
      yield* fs.writeFileString(`${directory}/file`, "")
      const error = yield* Effect.flip(backendAt(`${directory}/file/below`))
      expect(error._tag).toBe("TokenStoreError")
      expect(error.message).toContain("cannot be used")
      const keyless = yield* Effect.flip(
        Effect.provide(TokenStore.TokenStore, FileTokenStore.layer({ directory }))
      )
      expect(String(keyless)).toContain("SPOTNANA_TOKEN_STORE_KEYS is missing")
    }).pipe(Effect.provide(services)))
})
