import * as Clock from "effect/Clock"
import type { SecureRandom } from "effect/crypto"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { TokenStoreError } from "./contract.ts"
import type { Backend, Lease, Stored } from "./contract.ts"

// In the directory of a key each file is `<kind>.<fence>`, is written whole, and never changes its meaning:
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

const forOthers = 0o077
const draftTimeToLive = Duration.toMillis("1 minute")

export const makeFileBackend = (
  fs: FileSystem.FileSystem,
  path: Path.Path,
  random: SecureRandom.SecureRandom["Service"],
  directory: string
): Effect.Effect<Backend, TokenStoreError> =>
  Effect.gen(function*() {
    const failed = (cause: PlatformError) =>
      new TokenStoreError({
        message:
          `The directory ${directory} cannot be used (${cause.message}). Check that it is a directory, and this user's.`,
        cause
      })
    // Windows has no such modes: there a directory of the user's profile is the user's.
    const hasModes = path.sep === "/"
    const assertPrivate = (place: string, { mode }: FileSystem.File.Info) =>
      hasModes && (mode & forOthers) !== 0
        ? Effect.fail(
          new TokenStoreError({ message: `${place} is open to others. Close it: chmod go= ${place}` })
        )
        : Effect.void

    const drafts = path.join(directory, "drafts")
    const makePrivate = (place: string) => fs.makeDirectory(place, { recursive: true, mode: 0o700 })
    yield* Effect.mapError(makePrivate(directory), failed)
    yield* Effect.flatMap(Effect.mapError(fs.stat(directory), failed), (info) => assertPrivate(directory, info))

    // A key has no comma: `encodeURIComponent` has escaped it.
    const folderOf = (key: string) => path.join(directory, key.replaceAll(":", ","))
    const fileOf = (key: string, kind: Kind, fence: number) => path.join(folderOf(key), `${kind}.${fence}`)

    const isAbsent = (error: PlatformError) => error.reason._tag === "NotFound"
    const isTaken = (error: PlatformError) => error.reason._tag === "AlreadyExists"
    const remove = (file: string) => Effect.ignore(fs.remove(file))

    const list = (key: string): Effect.Effect<ReadonlyArray<File>, PlatformError> =>
      fs.readDirectory(folderOf(key)).pipe(
        Effect.map((names) => names.flatMap(parse)),
        Effect.catchIf(isAbsent, () => Effect.succeed([]))
      )

    /** What a file says, and for how much longer; nothing if it is over, not there, or not whole. */
    const contentOf = (key: string, kind: Kind, fence: number) =>
      Effect.gen(function*() {
        const file = fileOf(key, kind, fence)
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

    const put = (key: string, kind: Kind, fence: number, time: Duration.Duration, text: string) =>
      withDraft(time, text, (draft) => fs.rename(draft, fileOf(key, kind, fence)))

    /** The number before the first fencing token: that of the process that writes it first. */
    const beginning = (key: string) =>
      Effect.gen(function*() {
        const file = path.join(folderOf(key), "beginning")
        yield* withDraft(Duration.zero, `${yield* Clock.currentTimeMillis}`, (draft) =>
          Effect.catchIf(fs.link(draft, file), isTaken, () => Effect.void))
        const content = decodeContent(yield* fs.readFileString(file))
        return Option.isSome(content) ? Number(content.value.text) : 0
      })

    const sweep = (key: string, fence: number, files: ReadonlyArray<File>): Effect.Effect<void> =>
      Effect.gen(function*() {
        const token = highest(files, "token")
        for (const file of files) {
          if (file.fence < (file.kind === "token" ? token : fence)) yield* remove(fileOf(key, file.kind, file.fence))
        }
        const now = yield* Clock.currentTimeMillis
        for (const name of yield* Effect.orElseSucceed(fs.readDirectory(drafts), () => [])) {
          const draft = path.join(drafts, name)
          const mtime = yield* Effect.orElseSucceed(Effect.map(fs.stat(draft), (info) => info.mtime), Option.none)
          if (Option.isSome(mtime) && mtime.value.getTime() < now - draftTimeToLive) yield* remove(draft)
        }
      })

    /** Whether the lease has this fencing token, and is not over. */
    const isHeldBy = (key: string, fence: number) =>
      Effect.gen(function*() {
        const files = yield* list(key)
        if (highest(files, "lease", "released", "backoff") !== fence || !has(files, "lease", fence)) return false
        // A late extension may have put the lease back.
        if (has(files, "backoff", fence) || has(files, "released", fence)) return false
        return Option.isSome(yield* contentOf(key, "lease", fence))
      })

    const end = (key: string, fence: number) =>
      Effect.catchIf(
        fs.rename(fileOf(key, "lease", fence), fileOf(key, "released", fence)),
        isAbsent,
        () => Effect.void
      )

    const lease = (key: string, time: Duration.Duration): Effect.Effect<Lease, PlatformError | TokenStoreError> =>
      Effect.gen(function*() {
        yield* makePrivate(folderOf(key))
        const files = yield* list(key)
        // A token may be all that an earlier version of the library has left.
        const top = highest(files, ...kinds)
        for (const kind of ["backoff", "lease"] as const) {
          if (!has(files, kind, top) || has(files, "released", top)) continue
          const content = yield* contentOf(key, kind, top)
          if (Option.isNone(content)) {
            // It is over, or became something else between the two looks.
            if (has(yield* list(key), kind, top)) break
            return yield* lease(key, time)
          }
          const { text, timeLeft } = content.value
          return kind === "lease"
            ? { _tag: "Held", timeLeft }
            : { _tag: "Backoff", timeLeft, failure: Redacted.make(text) }
        }
        const fence = (top === 0 ? yield* beginning(key) : top) + 1
        const beaten: Lease = { _tag: "Held", timeLeft: time }
        // Linking makes the file with its content, and fails if it is there.
        const isMine = yield* withDraft(
          time,
          "",
          (draft) =>
            Effect.catchIf(
              Effect.as(fs.link(draft, fileOf(key, "lease", fence)), true),
              isTaken,
              () => Effect.succeed(false)
            )
        )
        if (!isMine) return beaten
        const after = yield* list(key)
        // Others have used this fencing token, or gone past it and removed its files, between the look and the link.
        if (highest(after, "lease") > fence || highest(after, "released", "backoff", "token") >= fence) {
          yield* remove(fileOf(key, "lease", fence))
          return beaten
        }
        yield* sweep(key, fence, after)
        return { _tag: "Granted", fence }
      })

    const mapped = <A, R>(effect: Effect.Effect<A, PlatformError | TokenStoreError, R>) =>
      Effect.catchTag(effect, "PlatformError", (error) => Effect.fail(failed(error)))

    const read = (key: string): Effect.Effect<Option.Option<Stored>, PlatformError | TokenStoreError> =>
      Effect.gen(function*() {
        const files = yield* list(key)
        const version = highest(files, "token")
        if (version === 0) return Option.none()
        const content = yield* contentOf(key, "token", version)
        // It was replaced and removed between the two looks.
        if (Option.isNone(content) && highest(yield* list(key), "token") !== version) return yield* read(key)
        return Option.map(content, ({ text, timeLeft }) => ({
          version,
          payload: Redacted.make(text),
          timeLeft
        }))
      })

    return {
      name: "file",
      read: (key) => mapped(read(key)),
      lease: (key, time) => mapped(lease(key, time)),
      extend: (key, fence, time) =>
        mapped(Effect.gen(function*() {
          if (!(yield* isHeldBy(key, fence))) return false
          yield* put(key, "lease", fence, time, "")
          return true
        })),
      write: (key, fence, payload, time) =>
        mapped(Effect.gen(function*() {
          if (!(yield* isHeldBy(key, fence))) return false
          yield* put(key, "token", fence, time, Redacted.value(payload))
          yield* end(key, fence)
          yield* sweep(key, fence, yield* list(key))
          return true
        })),
      release: (key, fence, backoff) =>
        mapped(Effect.gen(function*() {
          if (!(yield* isHeldBy(key, fence))) return
          if (backoff === undefined) return yield* end(key, fence)
          yield* put(key, "backoff", fence, backoff.time, Redacted.value(backoff.failure))
          yield* remove(fileOf(key, "lease", fence))
        })),
      changes: (key) =>
        mapped(Effect.gen(function*() {
          yield* makePrivate(folderOf(key))
          // A new lease is no change that anybody waits for.
          const look = Effect.map(list(key), (files) =>
            files
              .flatMap(({ fence, kind }) => kind === "lease" ? [] : [`${kind}.${fence}`])
              .toSorted((a, b) => a.localeCompare(b))
              .join())
          const before = yield* look
          // The file system notifies at once, where it can; the look every second finds what it misses.
          const notified = Stream.catch(fs.watch(folderOf(key)), () => Stream.never)
          return Stream.merge(notified, Stream.fromSchedule(Schedule.spaced("1 second"))).pipe(
            // However much happens during a look, one more is enough.
            Stream.buffer({ capacity: 1, strategy: "sliding" }),
            Stream.mapEffect(() => look),
            Stream.prepend([before]),
            Stream.changes,
            Stream.drop(1),
            Stream.mapError(failed)
          )
        }))
    }
  })
