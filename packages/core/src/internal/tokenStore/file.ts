import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { TokenStoreError } from "./contract.ts"
import type { Backend, Change, Lease, Stored } from "./contract.ts"

// In the folder of a key each file is `<kind>.<fence>`, is written whole, and never changes its meaning:
//
//   lease.7     the process with fencing token 7 may write until the time in it; an extension replaces the file
//   released.7  that lease is over
//   backoff.7   that lease is over, and none is granted until the time in it, for the reason in it
//   token.7     what was written; the one with the highest fencing token counts
//
// Fencing tokens begin with the number in the file `beginning`, the time at which the directory was made: a directory
// that is removed and made again goes on above the numbers of the old one.
//
// A file from the future is over: the clock was set back, and nobody knows how long ago the file was made.
// A fencing token is taken by making the file, which only one process can do. The highest one decides; files of lower
// ones are out of use, and are removed by the process that takes the next one. Files are written in the directory
// `drafts`, which nobody watches, and are moved from there.
//
// What happened to all keys is told in one directory, `changes`, so that one look finds the changes of all of them. For
// each key it has two empty files at most: `<folder>.token.<fence>` for the latest token, and `<folder>.released.<fence>`
// for the latest lease that ended without one.

const kinds = ["lease", "released", "backoff", "token"] as const
type Kind = typeof kinds[number]

interface File {
  readonly kind: Kind
  readonly fence: number
}

const Content = Schema.fromJsonString(
  Schema.Struct({ from: Schema.Number, until: Schema.Number, text: Schema.String })
)
const encodeContent = Schema.encodeSync(Content)
const decodeContent = Schema.decodeUnknownOption(Content)

const parse = (name: string): ReadonlyArray<File> => {
  const [, kind, fence] = /^([a-z]+)\.(\d+)$/.exec(name) ?? []
  const known = kinds.find((_) => _ === kind)
  return known === undefined ? [] : [{ kind: known, fence: Number(fence) }]
}

const highest = (files: ReadonlyArray<File>, ...of: ReadonlyArray<Kind>): number =>
  Math.max(0, ...files.filter(({ kind }) => of.includes(kind)).map(({ fence }) => fence))

const has = (files: ReadonlyArray<File>, kind: Kind, fence: number): boolean =>
  files.some((file) => file.kind === kind && file.fence === fence)

type Told = "token" | "released"

/** The latest fencing token of what is told, by folder and kind. */
const parseTold = (names: ReadonlyArray<string>): ReadonlyMap<string, number> => {
  const told = new Map<string, number>()
  for (const name of names) {
    const [, what = "", fence] = /^(.+\.(?:token|released))\.(\d+)$/.exec(name) ?? []
    if (Number(fence) > (told.get(what) ?? 0)) told.set(what, Number(fence))
  }
  return told
}

// File systems have names of 255 bytes, fold case, reserve names (`CON`) and cut off dots. A person finds a client by the
// beginning, and processes by the hash.
const readableLength = 64
const hashLength = 32

const forOthers = 0o077
const draftTimeToLive = Duration.toMillis("1 minute")

const noRight = "This user has no right to do that: name a directory of this user."

/** What to do about an error of the system. */
const advice: Readonly<Record<string, string>> = {
  EACCES: noRight,
  EPERM: noRight,
  ENOSPC: "The disk is full: free space on it.",
  EDQUOT: "The disk quota of this user is used up: free space, or raise it.",
  EROFS: "The file system is read-only: mount it for writing, or name another directory.",
  EMFILE: "This process has too many open files: close some, or raise the limit (ulimit -n).",
  ENFILE: "This machine has too many open files: close some, or raise the limit.",
  EIO: "The disk fails: check it.",
  ENAMETOOLONG: "The path is too long: name a shorter one."
}

/** The code of the system's error, which says more than the kinds of `PlatformError`. */
const codeOf = ({ reason }: PlatformError): string | undefined => {
  const { cause } = reason
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined
}

export const makeFileBackend = (
  directory: string
): Effect.Effect<
  Backend,
  TokenStoreError,
  Digest.Digest | FileSystem.FileSystem | Path.Path | Scope.Scope | SecureRandom.SecureRandom
> =>
  Effect.gen(function*() {
    const digest = yield* Digest.Digest
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const random = yield* SecureRandom.SecureRandom
    const scope = yield* Effect.scope

    const failed = (cause: PlatformError) => {
      const code = codeOf(cause)
      const { message } = cause
      const what = code === undefined ? message : `${code} ${message.replace(/^\w+: /, "")}`
      const todo = advice[code ?? ""] ?? "Check that it is a directory, and this user's."
      return new TokenStoreError({ message: `The directory ${directory} cannot be used (${what}). ${todo}`, cause })
    }
    // Windows has no such modes: there a directory of the user's profile is the user's.
    const hasModes = path.sep === "/"
    const assertPrivate = (place: string, { mode }: FileSystem.File.Info, close = "Close it: ") =>
      hasModes && (mode & forOthers) !== 0
        ? Effect.fail(
          new TokenStoreError({
            message: `${place} is open to others, with mode ${(mode & 0o7777).toString(8)}. ${close}chmod go= ${place}`
          })
        )
        : Effect.void

    const drafts = path.join(directory, "drafts")
    const changes = path.join(directory, "changes")
    const makePrivate = (place: string) => fs.makeDirectory(place, { recursive: true, mode: 0o700 })
    yield* Effect.mapError(makePrivate(directory), failed)
    // The root of a volume is often open, and not this user's to close.
    const below =
      `Name a directory below it, which is made for this user alone: ${
        path.join(directory, "spotnana")
      }. Or close it, ` +
      "if nobody else needs it: "
    yield* Effect.flatMap(Effect.mapError(fs.stat(directory), failed), (info) => assertPrivate(directory, info, below))

    /** The name of a key's folder. What follows the last colon is a hash already, and tells a person nothing. */
    const folderOf = (key: string): Effect.Effect<string> =>
      Effect.map(digest.digestHex(Digest.sha256, new TextEncoder().encode(key)), (hash) => {
        const readable = key.replace(/:[^:]*$/, "").toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")
        return `${readable.slice(0, readableLength)}-${hash.slice(0, hashLength)}`.replace(/^-+/, "")
      })
    const placeOf = (folder: string) => path.join(directory, folder)
    const fileOf = (folder: string, kind: Kind, fence: number) => path.join(placeOf(folder), `${kind}.${fence}`)

    const isAbsent = (error: PlatformError) => error.reason._tag === "NotFound"
    const isTaken = (error: PlatformError) => error.reason._tag === "AlreadyExists"
    const remove = (file: string) => Effect.ignore(fs.remove(file))

    const list = (folder: string): Effect.Effect<ReadonlyArray<File>, PlatformError> =>
      fs.readDirectory(placeOf(folder)).pipe(
        Effect.map((names) => names.flatMap(parse)),
        Effect.catchIf(isAbsent, () => Effect.succeed([]))
      )

    /** What a file says, and for how much longer; nothing if it is over, not there, or not whole. */
    const contentOf = (folder: string, kind: Kind, fence: number) =>
      Effect.gen(function*() {
        const file = fileOf(folder, kind, fence)
        yield* assertPrivate(file, yield* fs.stat(file))
        const content = decodeContent(yield* fs.readFileString(file))
        const now = yield* Clock.currentTimeMillis
        return Option.flatMap(
          content,
          ({ from, text, until }) =>
            from <= now && now < until ? Option.some({ text, timeLeft: Duration.millis(until - now) }) : Option.none()
        )
      }).pipe(
        Effect.catchTag("PlatformError", (error) => isAbsent(error) ? Effect.succeedNone : Effect.fail(error))
      )

    /** Writes a file under a random name; `use` moves it to where it is read, whole. */
    const withDraft = <A>(
      time: Duration.Duration,
      text: string,
      use: (draft: string) => Effect.Effect<A, PlatformError>
    ): Effect.Effect<A, PlatformError> =>
      Effect.gen(function*() {
        // Anew each time: somebody may have removed the whole directory.
        yield* makePrivate(drafts)
        const draft = path.join(drafts, Hex.encode(yield* random.randomBytes(12)))
        const from = yield* Clock.currentTimeMillis
        const content = encodeContent({ from, until: from + Duration.toMillis(time), text })
        return yield* fs.writeFileString(draft, content, { flag: "wx", mode: 0o600 }).pipe(
          Effect.andThen(use(draft)),
          Effect.ensuring(remove(draft))
        )
      })

    const put = (folder: string, kind: Kind, fence: number, time: Duration.Duration, text: string) =>
      withDraft(time, text, (draft) => fs.rename(draft, fileOf(folder, kind, fence)))

    /** The number before the first fencing token: that of the process that writes it first. */
    const beginning = (folder: string) =>
      Effect.gen(function*() {
        const file = path.join(placeOf(folder), "beginning")
        yield* withDraft(
          Duration.zero,
          `${yield* Clock.currentTimeMillis}`,
          (draft) => Effect.catchIf(fs.link(draft, file), isTaken, () => Effect.void)
        )
        const content = decodeContent(yield* fs.readFileString(file))
        return Option.isSome(content) ? Number(content.value.text) : 0
      })

    const sweep = (folder: string, fence: number, files: ReadonlyArray<File>): Effect.Effect<void> =>
      Effect.gen(function*() {
        const token = highest(files, "token")
        for (const file of files) {
          if (file.fence < (file.kind === "token" ? token : fence)) yield* remove(fileOf(folder, file.kind, file.fence))
        }
        const now = yield* Clock.currentTimeMillis
        for (const name of yield* Effect.orElseSucceed(fs.readDirectory(drafts), () => [])) {
          const draft = path.join(drafts, name)
          const mtime = yield* Effect.orElseSucceed(Effect.map(fs.stat(draft), (info) => info.mtime), Option.none)
          if (Option.isSome(mtime) && mtime.value.getTime() < now - draftTimeToLive) yield* remove(draft)
        }
      })

    /** Whether the lease has this fencing token, and is not over. */
    const isHeldBy = (folder: string, fence: number) =>
      Effect.gen(function*() {
        const files = yield* list(folder)
        if (highest(files, "lease", "released", "backoff") !== fence || !has(files, "lease", fence)) return false
        // A late extension may have put the lease back.
        if (has(files, "backoff", fence) || has(files, "released", fence)) return false
        return Option.isSome(yield* contentOf(folder, "lease", fence))
      })

    const end = (folder: string, fence: number) =>
      Effect.catchIf(
        fs.rename(fileOf(folder, "lease", fence), fileOf(folder, "released", fence)),
        isAbsent,
        () => Effect.void
      )

    const lease = (folder: string, time: Duration.Duration): Effect.Effect<Lease, PlatformError | TokenStoreError> =>
      Effect.gen(function*() {
        yield* makePrivate(placeOf(folder))
        const files = yield* list(folder)
        // A token may be all that an earlier version of the library has left.
        const top = highest(files, ...kinds)
        for (const kind of ["backoff", "lease"] as const) {
          if (!has(files, kind, top) || has(files, "released", top)) continue
          const content = yield* contentOf(folder, kind, top)
          if (Option.isNone(content)) {
            // It is over, or became something else between the two looks.
            if (has(yield* list(folder), kind, top)) break
            return yield* lease(folder, time)
          }
          const { text, timeLeft } = content.value
          return kind === "lease"
            ? { _tag: "Held", timeLeft }
            : { _tag: "Backoff", timeLeft, failure: Redacted.make(text) }
        }
        const fence = (top === 0 ? yield* beginning(folder) : top) + 1
        const beaten: Lease = { _tag: "Held", timeLeft: time }
        // Linking makes the file with its content, and fails if it is there.
        const isMine = yield* withDraft(
          time,
          "",
          (draft) =>
            Effect.catchIf(
              Effect.as(fs.link(draft, fileOf(folder, "lease", fence)), true),
              isTaken,
              () => Effect.succeed(false)
            )
        )
        if (!isMine) return beaten
        const after = yield* list(folder)
        // Others have used this fencing token, or gone past it and removed its files, between the look and the link.
        if (highest(after, "lease") > fence || highest(after, "released", "backoff", "token") >= fence) {
          yield* remove(fileOf(folder, "lease", fence))
          return beaten
        }
        yield* sweep(folder, fence, after)
        return { _tag: "Granted", fence }
      })

    /** An operation in the folder of a key. */
    const inFolder = <A, R>(
      key: string,
      operation: (folder: string) => Effect.Effect<A, PlatformError | TokenStoreError, R>
    ): Effect.Effect<A, TokenStoreError, R> =>
      Effect.mapError(
        Effect.flatMap(folderOf(key), operation),
        (error) => error._tag === "PlatformError" ? failed(error) : error
      )

    const read = (folder: string): Effect.Effect<Option.Option<Stored>, PlatformError | TokenStoreError> =>
      Effect.gen(function*() {
        const files = yield* list(folder)
        const version = highest(files, "token")
        if (version === 0) return Option.none()
        const content = yield* contentOf(folder, "token", version)
        // It was replaced and removed between the two looks.
        if (Option.isNone(content) && highest(yield* list(folder), "token") !== version) return yield* read(folder)
        return Option.map(content, ({ text, timeLeft }) => ({
          version,
          payload: Redacted.make(text),
          timeLeft
        }))
      })

    /** Tells the other processes. One that is not told finds out when it looks. */
    const tell = (folder: string, what: Told, fence: number): Effect.Effect<void> =>
      Effect.gen(function*() {
        yield* makePrivate(changes)
        yield* fs.writeFileString(path.join(changes, `${folder}.${what}.${fence}`), "", { mode: 0o600 })
        for (const name of yield* fs.readDirectory(changes)) {
          const [of, kind, older] = name.split(".")
          if (of === folder && kind === what && Number(older) < fence) yield* remove(path.join(changes, name))
        }
      }).pipe(Effect.ignore)

    const told = fs.readDirectory(changes).pipe(
      Effect.map(parseTold),
      Effect.catchIf(isAbsent, () => Effect.succeed(undefined))
    )
    let known = parseTold([])
    // When the directory last changed, and whether it was read after that: what happens in the same moment as a look may
    // leave the time as it is, and is found by the next one.
    let changedAt: number | undefined
    let isRead = false
    let isWatching = false
    const subscribers = new Map<string, Set<Queue.Queue<Change, TokenStoreError>>>()

    /** Finds the changes of all keys. Whether the directory is there. */
    const readChanges = Effect.map(told, (now) => {
      const before = known
      known = now ?? parseTold([])
      for (const [folder, queues] of subscribers) {
        const since = (what: Told) => {
          const fence = known.get(`${folder}.${what}`) ?? 0
          return fence > (before.get(`${folder}.${what}`) ?? 0) ? [fence] : []
        }
        const found: ReadonlyArray<Change> = [
          ...since("token").map((version) => ({ _tag: "Written", version } as const)),
          ...since("released").map(() => ({ _tag: "Released" } as const))
        ]
        for (const queue of queues) for (const change of found) Queue.offerUnsafe(queue, change)
      }
      return now !== undefined
    })

    const look = Effect.gen(function*() {
      const { mtime } = yield* fs.stat(changes)
      const at = Option.getOrUndefined(mtime)?.getTime()
      const isSame = at !== undefined && at === changedAt
      if (isSame && isRead) return true
      changedAt = at
      isRead = isSame
      return yield* readChanges
    }).pipe(Effect.catchIf(isAbsent, () => Effect.succeed(false)))

    const failAll = (error: PlatformError) =>
      Effect.sync(() => {
        const cause = Cause.fail(failed(error))
        for (const queues of subscribers.values()) for (const queue of queues) Queue.failCauseUnsafe(queue, cause)
      })

    // The file system notifies at once, where it can; the look every second finds what it misses. Somebody may remove the
    // directory: then it is made again, and watched again.
    const watch = Effect.gen(function*() {
      yield* makePrivate(changes)
      const notified = Stream.catch(fs.watch(changes), () => Stream.never)
      yield* Stream.merge(notified, Stream.fromSchedule(Schedule.spaced("1 second"))).pipe(
        // However much happens during a look, one more is enough.
        Stream.buffer({ capacity: 1, strategy: "sliding" }),
        Stream.runForEachWhile(() => look)
      )
    }).pipe(Effect.catch(failAll), Effect.andThen(Effect.sleep("1 second")), Effect.forever)

    return {
      name: "file",
      read: (key) => inFolder(key, read),
      lease: (key, time) => inFolder(key, (folder) => lease(folder, time)),
      extend: (key, fence, time) =>
        inFolder(key, (folder) =>
          Effect.gen(function*() {
            if (!(yield* isHeldBy(folder, fence))) return false
            yield* put(folder, "lease", fence, time, "")
            return true
          })),
      write: (key, fence, payload, time) =>
        inFolder(key, (folder) =>
          Effect.gen(function*() {
            if (!(yield* isHeldBy(folder, fence))) return false
            yield* put(folder, "token", fence, time, Redacted.value(payload))
            yield* end(folder, fence)
            yield* tell(folder, "token", fence)
            yield* sweep(folder, fence, yield* list(folder))
            return true
          })),
      release: (key, fence, backoff) =>
        inFolder(key, (folder) =>
          Effect.gen(function*() {
            if (!(yield* isHeldBy(folder, fence))) return
            if (backoff === undefined) {
              yield* end(folder, fence)
            } else {
              yield* put(folder, "backoff", fence, backoff.time, Redacted.value(backoff.failure))
              yield* remove(fileOf(folder, "lease", fence))
            }
            yield* tell(folder, "released", fence)
          })),
      changes: (key) =>
        inFolder(key, (folder) =>
          Effect.gen(function*() {
            const now = yield* told
            if (!isWatching) {
              isWatching = true
              known = now ?? known
              yield* Effect.forkIn(watch, scope)
            }
            const queue = yield* Queue.unbounded<Change, TokenStoreError>()
            const queues = subscribers.get(folder) ?? new Set()
            yield* Effect.acquireRelease(
              Effect.sync(() => void subscribers.set(folder, queues.add(queue))),
              () =>
                Effect.sync(() => {
                  queues.delete(queue)
                  if (queues.size === 0) subscribers.delete(folder)
                })
            )
            return Stream.fromQueue(queue)
          }))
    }
  })
