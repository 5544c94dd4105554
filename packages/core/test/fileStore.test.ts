// What happens between two steps of one process is what another one does: each of these was a fault once.
import { FileTokenStore, type TokenStore } from "@effect-spotnana/core"
import { NodeServices } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import {
  Cause,
  Config,
  Duration,
  Effect,
  Exit,
  FileSystem,
  Layer,
  Option,
  Path,
  PlatformError,
  Redacted,
  Stream
} from "effect"
import { Digest, SecureRandom } from "effect/crypto"
import { TestClock } from "effect/testing"
import { makeFileBackend } from "../src/internal/tokenStore/file.ts"

const minute = Duration.minutes(1)
const payload = Redacted.make("payload")

type Step = "link" | "stat" | "rename"

/** Two processes on one directory, of which the first can be stopped right before one of its steps. */
const pair = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
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
    one: yield* Effect.provideService(makeFileBackend(directory), FileSystem.FileSystem, stoppable),
    two: yield* makeFileBackend(directory),
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

const services = Layer.mergeAll(NodeServices.layer, Digest.layerWebCrypto, SecureRandom.layerWebCrypto)

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
      const [folder = ""] = (yield* fs.readDirectory(directory)).filter((name) => name.startsWith("key-"))
      for (const what of [directory, path.join(directory, "drafts"), path.join(directory, folder)]) {
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
      const error = yield* Effect.flip(makeFileBackend(`${directory}/file`))
      expect(error.message).toContain("EEXIST")
    }).pipe(Effect.provide(services)))

  it.live("is watched also if it was removed while it was made", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* fs.makeTempDirectoryScoped()
      let isRemoved = false
      const unlucky = FileSystem.FileSystem.of({
        ...fs,
        makeDirectory: (path, options) =>
          Effect.suspend(() => {
            if (isRemoved || !path.endsWith("changes")) return fs.makeDirectory(path, options)
            isRemoved = true
            return Effect.fail(
              PlatformError.systemError({ _tag: "NotFound", module: "FileSystem", method: "makeDirectory" })
            )
          })
      })
      const one = yield* Effect.provideService(makeFileBackend(directory), FileSystem.FileSystem, unlucky)
      const two = yield* makeFileBackend(directory)
      const changes = yield* one.changes("key")
      const version = yield* write(two)
      expect(yield* Stream.runHead(changes)).toEqual(Option.some({ _tag: "Written", version }))
      expect(isRemoved).toBe(true)
    }).pipe(Effect.provide(services)))

  it.live("tells of what is written in the new one", () =>
    Effect.gen(function*() {
      const { directory, one, two } = yield* pair
      const fs = yield* FileSystem.FileSystem
      yield* write(one)
      const changes = yield* one.changes("key")
      yield* fs.remove(directory, { recursive: true })
      const version = yield* write(two)
      expect(yield* Stream.runHead(changes)).toEqual(Option.some({ _tag: "Written", version }))
    }).pipe(Effect.provide(services)))
})

describe("the folder of a client in a directory", () => {
  const hash = "0123456789abcdef0123456789abcdef"
  const clientIds: ReadonlyArray<readonly [title: string, clientId: string]> = [
    ["300 characters", "x".repeat(300)],
    ["299 of the same and another one", `${"x".repeat(299)}y`],
    ["a name", "Booking.Service"],
    ["the same in lower case", "booking.service"],
    ["what Windows reserves", "CON"],
    ["what Windows reserves, with an ending", "con.txt"],
    ["a dot at the end", "client."],
    ["none", "client"],
    ["a blank at the end", "client "],
    ["what is a pattern", "*"],
    ["what Windows has no files of", "a<b>c:d\"e/f\\g|h?i"],
    ["what is in no name of a file", "\u0000\n"],
    ["what means another directory", "../.."],
    ["no letters of ASCII", "客户端"]
  ]

  it.live("has a name that every file system has, and its own even where the case does not count", () =>
    Effect.gen(function*() {
      const { directory, one } = yield* pair
      const fs = yield* FileSystem.FileSystem
      const keys = clientIds.map(([, clientId]) => `production:${encodeURIComponent(clientId)}:${hash}`)
      for (const key of keys) {
        const lease = yield* one.lease(key, minute)
        if (lease._tag !== "Granted") throw new Error(`No lease for ${key}`)
        yield* one.write(key, lease.fence, Redacted.make(key), minute)
      }
      for (const key of keys) expect(Redacted.value(Option.getOrThrow(yield* one.read(key)).payload)).toBe(key)
      const folders = (yield* fs.readDirectory(directory)).filter((name) => !["drafts", "changes"].includes(name))
      expect(new Set(folders.map((name) => name.toLowerCase())).size).toBe(clientIds.length)
      for (const name of folders) expect(name).toMatch(/^[a-z0-9-]{1,64}-[0-9a-f]{32}$/)
    }).pipe(Effect.provide(services)))

  it.live("begins with environment and client id, so that a person finds it", () =>
    Effect.gen(function*() {
      const { directory, one } = yield* pair
      const fs = yield* FileSystem.FileSystem
      yield* one.lease(`production:Booking.Service:${hash}`, minute)
      expect(
        (yield* fs.readDirectory(directory)).filter((name) => /^production-booking-service-[0-9a-f]{32}$/.test(name))
      )
        .toHaveLength(1)
    }).pipe(Effect.provide(services)))
})

describe("a directory that is open to others", () => {
  for (const mode of [0o777, 0o2770, 0o1777]) {
    it.live(`with mode ${mode.toString(8)}, as the root of a volume: the error names one below it, and that works`, () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* fs.makeTempDirectoryScoped()
        yield* fs.chmod(directory, mode)
        const error = yield* Effect.flip(makeFileBackend(directory))
        expect(error.message).toContain(`with mode ${mode.toString(8)}`)
        const [, below = ""] = /Name a directory below it, .*: (\S+)\./.exec(error.message) ?? []
        expect(below).toBe(`${directory}/spotnana`)
        const backend = yield* makeFileBackend(below)
        yield* write(backend)
        expect(Option.isSome(yield* backend.read("key"))).toBe(true)
      }).pipe(Effect.provide(services)))
  }
})

describe("a directory of another user", () => {
  const ownedBy = (uid: number) =>
    Effect.map(FileSystem.FileSystem, (fs) =>
      FileSystem.FileSystem.of({
        ...fs,
        stat: (file) => Effect.map(fs.stat(file), (info) => ({ ...info, uid: Option.some(uid) }))
      }))

  it.live("is refused, with both users in the error", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* fs.makeTempDirectoryScoped()
      const error = yield* makeFileBackend(directory).pipe(
        Effect.provideServiceEffect(FileSystem.FileSystem, ownedBy(54_321)),
        Effect.flip
      )
      expect(error.message).toContain(`${directory} belongs to another user (uid 54321)`)
      expect(yield* fs.readDirectory(directory)).toEqual([])
    }).pipe(Effect.provide(services)))

  it.live("is used if that user is root, who can do everything anyway", () =>
    Effect.gen(function*() {
      const directory = yield* FileSystem.FileSystem.use((fs) => fs.makeTempDirectoryScoped())
      const backend = yield* Effect.provideServiceEffect(
        makeFileBackend(directory),
        FileSystem.FileSystem,
        ownedBy(0)
      )
      yield* write(backend)
      expect(Option.isSome(yield* backend.read("key"))).toBe(true)
    }).pipe(Effect.provide(services)))
})

describe("a directory in which something else has written", () => {
  /** The folder of the key. */
  const folderOf = (directory: string) =>
    FileSystem.FileSystem.use((fs) =>
      Effect.map(fs.readDirectory(directory), (names) => {
        const name = names.find((name) => name !== "changes" && name !== "drafts")!
        return { name, path: `${directory}/${name}` }
      })
    )

  it.live("a link in the place of a change is not followed", () =>
    Effect.gen(function*() {
      const { directory, one } = yield* pair
      const fs = yield* FileSystem.FileSystem
      const other = `${yield* fs.makeTempDirectoryScoped()}/other`
      yield* fs.writeFileString(other, "content")
      const fence = yield* fenceOf(one)
      const { name } = yield* folderOf(directory)
      yield* fs.makeDirectory(`${directory}/changes`, { recursive: true, mode: 0o700 })
      yield* fs.symlink(other, `${directory}/changes/${name}.token.${fence}`)
      expect(yield* one.write("key", fence, payload, minute)).toBe(true)
      expect(yield* fs.readFileString(other)).toBe("content")
    }).pipe(Effect.provide(services)))

  for (const text of [`{"from":0,"until":0,"text":"abc"}`, "", `{"from":0,"until":0,"text":"999999999999999"}`]) {
    it.live(`a damaged beginning is replaced: ${text || "an empty file"}`, () =>
      Effect.gen(function*() {
        const { directory, one, two } = yield* pair
        const fs = yield* FileSystem.FileSystem
        yield* write(one)
        const { path } = yield* folderOf(directory)
        for (const name of yield* fs.readDirectory(path)) {
          yield* name === "beginning" ? fs.writeFileString(`${path}/${name}`, text) : fs.remove(`${path}/${name}`)
        }
        const first = yield* write(one)
        expect(yield* write(two)).toBe(first + 1)
      }).pipe(Effect.provide(services)))
  }

  it.live("a fencing token of 15 digits is none", () =>
    Effect.gen(function*() {
      const { directory, one, two } = yield* pair
      const fs = yield* FileSystem.FileSystem
      const first = yield* write(one)
      const { path } = yield* folderOf(directory)
      const content = JSON.stringify({ from: 0, until: Number.MAX_SAFE_INTEGER, text: "" })
      for (const kind of ["token", "lease", "backoff"]) {
        yield* fs.writeFileString(`${path}/${kind}.999999999999999`, content, { mode: 0o600 })
      }
      expect(yield* write(two)).toBe(first + 1)
      expect(Option.isSome(yield* one.read("key"))).toBe(true)
    }).pipe(Effect.provide(services)))
})

/** A file system that fails in one of its operations, as the system says it. */
const failing = (isFailing: () => boolean, code: string) =>
  Effect.map(FileSystem.FileSystem, (fs) => {
    const error = PlatformError.systemError({
      _tag: "Unknown",
      module: "FileSystem",
      method: "writeFile",
      cause: Object.assign(new Error(code), { code })
    })
    return FileSystem.FileSystem.of({
      ...fs,
      writeFileString: (...args) => Effect.suspend(() => isFailing() ? Effect.fail(error) : fs.writeFileString(...args))
    })
  })

describe("a directory in which nothing can be written", () => {
  const causes: ReadonlyArray<readonly [code: string, says: string]> = [
    ["ENOSPC", "The disk is full"],
    ["EDQUOT", "quota"],
    ["EROFS", "read-only"],
    ["EACCES", "This user has no permission to do that"],
    ["EPERM", "This user has no permission to do that"],
    ["EMFILE", "too many open files"],
    ["ENFILE", "too many open files"],
    ["EIO", "The disk fails"]
  ]
  for (const [code, says] of causes) {
    it.live(`for ${code}: the error names the code, and says what to do`, () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const backend = yield* Effect.provideService(
          makeFileBackend(yield* fs.makeTempDirectoryScoped()),
          FileSystem.FileSystem,
          yield* failing(() => true, code)
        )
        const error = yield* Effect.flip(backend.lease("key", minute))
        expect(error.message).toContain(`${code} FileSystem.writeFile`)
        expect(error.message).toContain(says)
        expect(error.message).not.toContain("Check that it is a directory")
      }).pipe(Effect.provide(services)))
  }
})

describe("many tenants in one directory", () => {
  it.effect("are idle at the price of one: one operation a second for all of them", () =>
    Effect.gen(function*() {
      const counts = new Map<string, number>()
      const count = <A>(name: string, answer: A) =>
        Effect.sync(() => {
          counts.set(name, (counts.get(name) ?? 0) + 1)
          return answer
        })
      const fs = FileSystem.makeNoop({
        makeDirectory: () => count("makeDirectory", undefined),
        stat: () =>
          count("stat", { mode: 0o40700, mtime: Option.some(new Date(0)), uid: Option.none() } as FileSystem.File.Info),
        readDirectory: () => count("readDirectory", []),
        watch: () => Stream.unwrap(count("watch", Stream.never))
      })
      const backend = yield* Effect.provideService(makeFileBackend("/tokens"), FileSystem.FileSystem, fs)
      const tenants = 500
      for (let n = 0; n < tenants; n++) yield* Effect.asVoid(backend.changes(`production:tenant-${n}:0123`))
      yield* TestClock.adjust("3 seconds")
      counts.clear()
      yield* TestClock.adjust("1 minute")
      expect([...counts]).toEqual([["stat", 60]])
    }).pipe(Effect.provide(Layer.mergeAll(Path.layer, Digest.layerWebCrypto, SecureRandom.layerWebCrypto))))

  it.live("are told of what concerns them: the versions that are written, and leases that end", () =>
    Effect.gen(function*() {
      const { one, two } = yield* pair
      const heard = new Map<string, Array<TokenStore.Change>>()
      for (const key of ["key", "other", "third"]) {
        const changes: Array<TokenStore.Change> = []
        heard.set(key, changes)
        const stream = yield* one.changes(key)
        yield* Effect.forkScoped(Stream.runForEach(stream, (change) => Effect.sync(() => void changes.push(change))))
      }
      const until = (key: string, length: number) =>
        Effect.repeat(Effect.sleep("10 millis"), { until: () => heard.get(key)!.length >= length })
      const version = yield* write(two)
      yield* until("key", 1)
      const lease = yield* two.lease("other", minute)
      if (lease._tag === "Granted") yield* two.release("other", lease.fence)
      yield* until("other", 1)
      expect([...heard.values()]).toEqual([[{ _tag: "Written", version }], [{ _tag: "Released" }], []])
    }).pipe(Effect.provide(services)))

  it.live("leave behind two files each at most that tell of changes", () =>
    Effect.gen(function*() {
      const { directory, one, two } = yield* pair
      const fs = yield* FileSystem.FileSystem
      for (const backend of [one, two, one, two]) {
        yield* write(backend)
        yield* backend.release("key", yield* fenceOf(backend))
      }
      expect(yield* fs.readDirectory(`${directory}/changes`)).toHaveLength(2)
    }).pipe(Effect.provide(services)))
})
