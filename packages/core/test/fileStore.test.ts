// What happens between two steps of one process is what another one does: each of these was a fault once.
import { FileTokenStore, type TokenStore } from "@effect-spotnana/core"
import { NodeServices } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import { Cause, Config, Duration, Effect, Exit, FileSystem, Layer, Option, Path, Redacted } from "effect"
import { SecureRandom } from "effect/crypto"
import { makeFileBackend } from "../src/internal/tokenStore/file.ts"

const minute = Duration.minutes(1)
const payload = Redacted.make("payload")

type Step = "link" | "stat" | "rename"

/** Two processes on one directory, of which the first can be stopped right before one of its steps. */
const pair = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const random = yield* SecureRandom.SecureRandom
  const directory = yield* fs.makeTempDirectoryScoped()
  let stop:
    | { readonly at: Step; readonly kind: string; readonly meanwhile: Effect.Effect<unknown, unknown> }
    | undefined
  const before = (step: Step, file: string) =>
    Effect.suspend(() => {
      if (stop?.at !== step || !path.basename(file).startsWith(stop.kind)) return Effect.void
      const { meanwhile } = stop
      stop = undefined
      return Effect.orDie(meanwhile)
    })
  const stoppable = FileSystem.FileSystem.of({
    ...fs,
    link: (from, to) => Effect.andThen(before("link", to), fs.link(from, to)),
    stat: (file) => Effect.andThen(before("stat", file), fs.stat(file)),
    rename: (from, to) => Effect.andThen(before("rename", to), fs.rename(from, to))
  })
  return {
    directory,
    one: yield* makeFileBackend(stoppable, path, random, directory),
    two: yield* makeFileBackend(fs, path, random, directory),
    /** What happens once, right before the first process links, looks at or renames to a file of this kind. */
    stopAt: (at: Step, kind: string, meanwhile: Effect.Effect<unknown, unknown>) => {
      stop = { at, kind, meanwhile }
    }
  }
})

const fenceOf = (backend: TokenStore.Backend) =>
  Effect.map(backend.lease("key", minute), (lease) => {
    expect(lease._tag).toBe("Granted")
    return lease._tag === "Granted" ? lease.fence : 0
  })

const write = (backend: TokenStore.Backend) =>
  Effect.gen(function*() {
    const fence = yield* fenceOf(backend)
    expect(yield* backend.write("key", fence, payload, minute)).toBe(true)
    return fence
  })

const services = Layer.mergeAll(NodeServices.layer, SecureRandom.layerWebCrypto)

describe("a store in a directory, between two steps of one process", () => {
  it.live("no fencing token is given to two processes", () =>
    Effect.gen(function*() {
      const { one, stopAt, two } = yield* pair
      yield* write(two)
      stopAt("link", "lease", write(two))
      expect((yield* one.lease("key", minute))._tag).toBe("Held")
      const fence = yield* write(one)
      expect(Option.getOrThrow(yield* two.read("key")).version).toBe(fence)
    }).pipe(Effect.provide(services)))

  it.live("a token that is replaced between the two steps is found", () =>
    Effect.gen(function*() {
      const { one, stopAt, two } = yield* pair
      const first = yield* write(two)
      stopAt("stat", "token", write(two))
      expect(Option.getOrThrow(yield* one.read("key")).version).toBe(first + 1)
    }).pipe(Effect.provide(services)))

  it.live("a backoff that begins between the two steps is respected", () =>
    Effect.gen(function*() {
      const { one, stopAt, two } = yield* pair
      const fence = yield* fenceOf(two)
      stopAt("stat", "lease", two.release("key", fence, { time: minute, failure: payload }))
      const lease = yield* one.lease("key", minute)
      expect(lease._tag).toBe("Backoff")
      expect(lease._tag === "Backoff" && lease.failure !== undefined && Redacted.value(lease.failure)).toBe("payload")
    }).pipe(Effect.provide(services)))

  it.live("an extension that comes too late brings no lease back", () =>
    Effect.gen(function*() {
      const { one, stopAt, two } = yield* pair
      const fence = yield* fenceOf(one)
      stopAt("rename", "lease", two.write("key", fence, payload, minute))
      yield* one.extend("key", fence, minute)
      expect(yield* fenceOf(two)).toBeGreaterThan(fence)
    }).pipe(Effect.provide(services)))
})

describe("a store in a directory that is none", () => {
  it.effect.each([undefined, "", 5])("is refused when it is made: %s", (directory) =>
    Effect.gen(function*() {
      const options = { directory, keys: Config.succeed([Redacted.make(new Uint8Array(32))]) }
      const layer = FileTokenStore.layer(options as unknown as FileTokenStore.Options)
      const exit = yield* Effect.exit(Effect.scoped(Layer.build(layer)))
      expect(Exit.isFailure(exit) && String(Cause.squash(exit.cause))).toContain(
        `RangeError: FileTokenStore.directory is ${
          directory === "" ? "\"\"" : directory
        }; expected the path of a directory`
      )
    }).pipe(Effect.provide(NodeServices.layer)))
})

describe("a store in a directory that somebody removes", () => {
  it.live("goes on in a new one, with greater fencing tokens", () =>
    Effect.gen(function*() {
      const { directory, one, two } = yield* pair
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const first = yield* write(one)
      for (const what of [directory, path.join(directory, "drafts"), path.join(directory, "key")]) {
        yield* fs.remove(what, { recursive: true })
        const next = yield* write(two)
        expect(next).toBeGreaterThan(first)
        expect(Option.getOrThrow(yield* one.read("key")).version).toBe(next)
      }
    }).pipe(Effect.provide(services)))

  it.live("says what the system says where it cannot be made", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* fs.makeTempDirectoryScoped()
      yield* fs.writeFileString(`${directory}/file`, "")
      const error = yield* Effect.flip(makeFileBackend(
        fs,
        yield* Path.Path,
        yield* SecureRandom.SecureRandom,
        `${directory}/file`
      ))
      expect(error.message).toContain("AlreadyExists")
    }).pipe(Effect.provide(services)))
})
