import * as StoredInFiles from "@effect-spotnana/engine/StoredInFiles"
import * as Clock from "effect/Clock"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { Backend, Lease, Stored, TokenStoreError } from "./contract.ts"
import { makeFileChanges } from "./fileChanges.ts"
import { isAbsent, isTaken, openDirectory } from "./fileDirectory.ts"

type File = StoredInFiles.File

/** The engine's `StoredInFiles` says which files there are, and what they mean. */
export const makeFileBackend = (
  directory: string
): Effect.Effect<
  Backend,
  TokenStoreError,
  Digest.Digest | FileSystem.FileSystem | Path.Path | Scope.Scope | SecureRandom.SecureRandom
> =>
  Effect.gen(function*() {
    const digest = yield* Digest.Digest
    const random = yield* SecureRandom.SecureRandom
    const opened = yield* openDirectory(directory)
    const { assertPrivate, failed, fs, makePrivate, placeOf, remove } = opened
    const { subscribe, tell } = makeFileChanges(opened, yield* Effect.scope)

    const folderOf = (key: string): Effect.Effect<string> =>
      Effect.map(
        digest.digestHex(Digest.sha256, new TextEncoder().encode(key)),
        (hash) => StoredInFiles.folderName(key, hash)
      )
    const fileOf = (folder: string, file: File) => placeOf(folder, StoredInFiles.fileName(file))

    const list = (folder: string): Effect.Effect<ReadonlyArray<File>, PlatformError> =>
      fs.readDirectory(placeOf(folder)).pipe(
        Effect.map(StoredInFiles.filesOf),
        Effect.catchIf(isAbsent, () => Effect.succeed([]))
      )

    /** The content of a file, and for how much longer it counts; nothing if it is over, absent or incomplete. */
    const contentOf = (folder: string, file: File) =>
      Effect.gen(function*() {
        const place = fileOf(folder, file)
        yield* assertPrivate(place)
        const content = StoredInFiles.decode(yield* fs.readFileString(place))
        const now = yield* Clock.currentTimeMillis
        const timeLeft = content === undefined ? 0 : StoredInFiles.timeLeft(content, now)
        return timeLeft > 0 ? Option.some({ text: content!.text, timeLeft: Duration.millis(timeLeft) }) : Option.none()
      }).pipe(
        Effect.catchTag("PlatformError", (error) => isAbsent(error) ? Effect.succeedNone : Effect.fail(error))
      )

    /** Writes a file under a random name. `use` then moves the complete file to where it is read. */
    const withDraft = <A>(
      time: Duration.Duration,
      text: string,
      use: (draft: string) => Effect.Effect<A, PlatformError>
    ): Effect.Effect<A, PlatformError> =>
      Effect.gen(function*() {
        // Made again each time, because somebody may have removed the whole directory.
        yield* makePrivate(placeOf("drafts"))
        const draft = placeOf("drafts", Hex.encode(yield* random.randomBytes(12)))
        const from = yield* Clock.currentTimeMillis
        const content = StoredInFiles.encode({ from, until: from + Duration.toMillis(time), text })
        return yield* fs.writeFileString(draft, content, { flag: "wx", mode: 0o600 }).pipe(
          Effect.andThen(use(draft)),
          Effect.ensuring(remove(draft))
        )
      })

    const put = (folder: string, file: File, time: Duration.Duration, text: string) =>
      withDraft(time, text, (draft) => fs.rename(draft, fileOf(folder, file)))

    /** Makes the file with the content of a draft, unless it exists. Returns whether it was made. */
    const link = (draft: string, file: string) =>
      Effect.catchIf(Effect.as(fs.link(draft, file), true), isTaken, () => Effect.succeed(false))

    /** The number before the first fencing token: that of the process that writes it first. */
    const beginning = (folder: string) =>
      Effect.gen(function*() {
        const file = placeOf(folder, "beginning")
        const now = yield* Clock.currentTimeMillis
        yield* withDraft(Duration.zero, `${now}`, (draft) => link(draft, file))
        const known = StoredInFiles.beginningOf(yield* fs.readFileString(file))
        if (known !== undefined) return known
        // Something else has written it.
        yield* withDraft(Duration.zero, `${now}`, (draft) => fs.rename(draft, file))
        return now
      })

    const sweep = (folder: string, fence: number, files: ReadonlyArray<File>): Effect.Effect<void> =>
      Effect.gen(function*() {
        for (const file of StoredInFiles.outOfUse(files, fence)) yield* remove(fileOf(folder, file))
        const now = yield* Clock.currentTimeMillis
        for (const name of yield* Effect.orElseSucceed(fs.readDirectory(placeOf("drafts")), () => [])) {
          const draft = placeOf("drafts", name)
          const mtime = yield* Effect.orElseSucceed(Effect.map(fs.stat(draft), (info) => info.mtime), Option.none)
          if (Option.isSome(mtime) && mtime.value.getTime() < now - StoredInFiles.draftTimeToLive) yield* remove(draft)
        }
      })

    const isHeldBy = (folder: string, fence: number) =>
      Effect.gen(function*() {
        if (!StoredInFiles.isLeaseOf(yield* list(folder), fence)) return false
        return Option.isSome(yield* contentOf(folder, { kind: "lease", fence }))
      })

    const end = (folder: string, fence: number) =>
      Effect.catchIf(
        fs.rename(fileOf(folder, { kind: "lease", fence }), fileOf(folder, { kind: "released", fence })),
        isAbsent,
        () => Effect.void
      )

    const lease = (folder: string, time: Duration.Duration): Effect.Effect<Lease, PlatformError | TokenStoreError> =>
      Effect.gen(function*() {
        yield* makePrivate(placeOf(folder))
        const files = yield* list(folder)
        // An earlier version of the library may have left only a token.
        const top = StoredInFiles.highest(files)
        const kind = StoredInFiles.inForce(files, top)
        if (kind !== undefined) {
          const content = yield* contentOf(folder, { kind, fence: top })
          if (Option.isSome(content)) {
            const { text, timeLeft } = content.value
            return kind === "lease"
              ? { _tag: "Held", timeLeft }
              : { _tag: "Backoff", timeLeft, failure: Redacted.make(text) }
          }
          // It is over, or became something else since the folder was listed.
          if (!StoredInFiles.has(yield* list(folder), kind, top)) return yield* lease(folder, time)
        }
        const fence = (top === 0 ? yield* beginning(folder) : top) + 1
        const file = fileOf(folder, { kind: "lease", fence })
        const beaten: Lease = { _tag: "Held", timeLeft: time }
        if (!(yield* withDraft(time, "", (draft) => link(draft, file)))) return beaten
        const after = yield* list(folder)
        if (StoredInFiles.isUsed(after, fence)) {
          yield* remove(file)
          return beaten
        }
        yield* sweep(folder, fence, after)
        return { _tag: "Granted", fence }
      })

    const read = (folder: string): Effect.Effect<Option.Option<Stored>, PlatformError | TokenStoreError> =>
      Effect.gen(function*() {
        const newest = Effect.map(list(folder), (files) => StoredInFiles.highest(files, "token"))
        const version = yield* newest
        if (version === 0) return Option.none()
        const content = yield* contentOf(folder, { kind: "token", fence: version })
        // It was replaced and removed since the folder was listed.
        if (Option.isNone(content) && (yield* newest) !== version) return yield* read(folder)
        return Option.map(content, ({ text, timeLeft }) => ({
          version,
          payload: Redacted.make(text),
          timeLeft
        }))
      })

    /** An operation in the folder of a key. */
    const inFolder = <A, R>(
      key: string,
      operation: (folder: string) => Effect.Effect<A, PlatformError | TokenStoreError, R>
    ): Effect.Effect<A, TokenStoreError, R> => Effect.mapError(Effect.flatMap(folderOf(key), operation), failed)

    return {
      name: "file",
      read: (key) => inFolder(key, read),
      lease: (key, time) => inFolder(key, (folder) => lease(folder, time)),
      extend: (key, fence, time) =>
        inFolder(key, (folder) =>
          Effect.gen(function*() {
            if (!(yield* isHeldBy(folder, fence))) return false
            yield* put(folder, { kind: "lease", fence }, time, "")
            return true
          })),
      write: (key, fence, payload, time) =>
        inFolder(key, (folder) =>
          Effect.gen(function*() {
            if (!(yield* isHeldBy(folder, fence))) return false
            yield* put(folder, { kind: "token", fence }, time, Redacted.value(payload))
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
              yield* put(folder, { kind: "backoff", fence }, backoff.time, Redacted.value(backoff.failure))
              yield* remove(fileOf(folder, { kind: "lease", fence }))
            }
            yield* tell(folder, "released", fence)
          })),
      changes: (key) => inFolder(key, subscribe)
    }
  })
