/**
 * What a store in a directory writes, and what it means. The clients for every version of Effect share this.
 *
 * In the folder of a key, each file has the name `<kind>.<fence>`, appears complete, and never changes its meaning:
 *
 * ```text
 * lease.7     the process with fencing token 7 may write until the time in it; an extension replaces the file
 * released.7  that lease is over
 * backoff.7   that lease is over, and none is granted until the time in it, for the reason in it
 * token.7     what was written; the one with the highest fencing token counts
 * ```
 *
 * Fencing tokens begin with the number in the file `beginning`, the time at which the directory was made. So a
 * directory that is removed and made again continues above the numbers of the old one.
 *
 * A file from the future is over: the clock was set back, and nobody knows how long ago the file was made. A process
 * takes a fencing token by making the file, which only one process can do. Only the files with the highest fencing
 * token count. The process that takes the next one removes the others. Files are written in the directory `drafts`,
 * which nobody watches, and are moved from there.
 *
 * The changes of all keys are in one directory, `changes`, so that one read finds all of them. For each key it has at
 * most two empty files: `<folder>.token.<fence>` for the latest token, and `<folder>.released.<fence>` for the latest
 * lease that ended without a token.
 *
 * @since 0.1.0
 */
import { objectOfText } from "./Json.ts"

const kinds = ["lease", "released", "backoff", "token"] as const

/**
 * What a file means.
 *
 * @category models
 * @since 0.1.0
 */
export type Kind = typeof kinds[number]

/**
 * A file in the folder of a key, by its name.
 *
 * @category models
 * @since 0.1.0
 */
export interface File {
  readonly kind: Kind
  readonly fence: number
}

/**
 * The name of a file.
 *
 * @category naming
 * @since 0.1.0
 */
export const fileName = ({ fence, kind }: File): string => `${kind}.${fence}`

/**
 * The files with these names. Files that are not the store's own are left out, and those whose fencing token has more
 * than 14 digits: something else has written it, and the store could not count on from it.
 *
 * @category decoding
 * @since 0.1.0
 */
export const filesOf = (names: ReadonlyArray<string>): ReadonlyArray<File> =>
  names.flatMap((name) => {
    const [, kind, fence] = /^([a-z]+)\.(\d{1,14})$/.exec(name) ?? []
    const known = kinds.find((_) => _ === kind)
    return known === undefined ? [] : [{ kind: known, fence: Number(fence) }]
  })

/**
 * The highest fencing token of files of these kinds, or of all kinds if none is
 * named; zero if there is no file.
 *
 * @category getters
 * @since 0.1.0
 */
export const highest = (files: ReadonlyArray<File>, ...of: ReadonlyArray<Kind>): number =>
  Math.max(0, ...files.filter(({ kind }) => of.length === 0 || of.includes(kind)).map(({ fence }) => fence))

/**
 * Whether there is such a file.
 *
 * @category predicates
 * @since 0.1.0
 */
export const has = (files: ReadonlyArray<File>, kind: Kind, fence: number): boolean =>
  files.some((file) => file.kind === kind && file.fence === fence)

/**
 * What prevents the next process from taking the lease, unless its time is over.
 *
 * @category getters
 * @since 0.1.0
 */
export const inForce = (files: ReadonlyArray<File>, fence: number): "backoff" | "lease" | undefined => {
  if (has(files, "released", fence)) return undefined
  // A late extension may have put the lease back.
  return (["backoff", "lease"] as const).find((kind) => has(files, kind, fence))
}

/**
 * Whether the lease has this fencing token, unless its time is over.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isLeaseOf = (files: ReadonlyArray<File>, fence: number): boolean =>
  highest(files, "lease", "released", "backoff") === fence && inForce(files, fence) === "lease"

/**
 * Whether other processes have used this fencing token, or a later one, between
 * the listing of the files and the making of its lease.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isUsed = (files: ReadonlyArray<File>, fence: number): boolean =>
  highest(files, "lease") > fence || highest(files, "released", "backoff", "token") >= fence

/**
 * The files that are no longer used once this fencing token has the lease.
 *
 * @category getters
 * @since 0.1.0
 */
export const outOfUse = (files: ReadonlyArray<File>, fence: number): ReadonlyArray<File> => {
  const token = highest(files, "token")
  return files.filter((file) => file.fence < (file.kind === "token" ? token : fence))
}

/**
 * How long a draft is kept. An older draft is from a process that was killed.
 *
 * @category constants
 * @since 0.1.0
 */
export const draftTimeToLive = 60_000

// File systems limit names to 255 bytes, ignore case, reserve names (`CON`) and cut off dots. A person recognizes a
// client by the beginning, and processes find it by the hash.
const readableLength = 64
const hashLength = 32

/**
 * The name of a key's folder, with the SHA-256 of the key in hexadecimal digits.
 *
 * @category naming
 * @since 0.1.0
 */
export const folderName = (key: string, hash: string): string => {
  // What follows the last colon is a hash already, and tells a person nothing.
  const readable = key.replace(/:[^:]*$/, "").toLowerCase().replace(/[^a-z0-9]+/g, "-")
  return `${readable.slice(0, readableLength)}-${hash.slice(0, hashLength)}`.replace(/^-+/, "")
}

/**
 * The content of a file: a text, and from when until when it counts, in
 * milliseconds since the Unix epoch.
 *
 * @category models
 * @since 0.1.0
 */
export interface Content {
  readonly from: number
  readonly until: number
  readonly text: string
}

/**
 * The text of a file.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encode = ({ from, text, until }: Content): string => JSON.stringify({ from, until, text })

/**
 * The content of a file; undefined if it is not complete.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (file: string): Content | undefined => {
  const { from, text, until } = objectOfText(file) ?? {}
  return typeof from === "number" && typeof until === "number" && typeof text === "string"
    ? { from, until, text }
    : undefined
}

/**
 * The number in the file `beginning`; undefined if the file is damaged.
 *
 * @category decoding
 * @since 0.1.0
 */
export const beginningOf = (file: string): number | undefined => {
  const { text = "" } = decode(file) ?? {}
  return /^\d{1,14}$/.test(text) ? Number(text) : undefined
}

/**
 * How much longer a content counts, in milliseconds; zero if it is over.
 *
 * @category getters
 * @since 0.1.0
 */
export const timeLeft = ({ from, until }: Content, now: number): number => from <= now ? Math.max(0, until - now) : 0

/**
 * The kinds of changes in the directory `changes`.
 *
 * @category models
 * @since 0.1.0
 */
export type Told = "token" | "released"

/**
 * The latest fencing token of each change, by folder and kind.
 *
 * @category models
 * @since 0.1.0
 */
export type Changes = ReadonlyMap<string, number>

/**
 * The changes that the files in the directory `changes` stand for.
 *
 * @category decoding
 * @since 0.1.0
 */
export const changesOf = (names: ReadonlyArray<string>): Changes => {
  const told = new Map<string, number>()
  for (const name of names) {
    const [, what = "", fence] = /^(.+\.(?:token|released))\.(\d{1,14})$/.exec(name) ?? []
    if (Number(fence) > (told.get(what) ?? 0)) told.set(what, Number(fence))
  }
  return told
}

/**
 * The name of the file for a change.
 *
 * @category naming
 * @since 0.1.0
 */
export const changeName = (folder: string, what: Told, fence: number): string => `${folder}.${what}.${fence}`

/**
 * The files that a later file makes obsolete.
 *
 * @category getters
 * @since 0.1.0
 */
export const voidChanges = (
  names: ReadonlyArray<string>,
  folder: string,
  what: Told,
  fence: number
): ReadonlyArray<string> =>
  names.filter((name) => {
    const [of, kind, older] = name.split(".")
    return of === folder && kind === what && Number(older) < fence
  })

/**
 * What happened to the key of a folder between two reads.
 *
 * @category getters
 * @since 0.1.0
 */
export const changesBetween = (
  before: Changes,
  now: Changes,
  folder: string
): ReadonlyArray<{ readonly _tag: "Written"; readonly version: number } | { readonly _tag: "Released" }> => {
  const since = (what: Told): ReadonlyArray<number> => {
    const fence = now.get(`${folder}.${what}`) ?? 0
    return fence > (before.get(`${folder}.${what}`) ?? 0) ? [fence] : []
  }
  return [
    ...since("token").map((version) => ({ _tag: "Written", version } as const)),
    ...since("released").map(() => ({ _tag: "Released" } as const))
  ]
}

const noRight = "This user has no permission to do that: name a directory that belongs to this user."

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

/**
 * The message for a directory that cannot be used, with what to do.
 *
 * @category messages
 * @since 0.1.0
 */
export const unusable = (directory: string, message: string, cause: unknown): string => {
  // The code of the system's error says more than the reasons of Effect's errors.
  const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined
  const what = code === undefined ? message : `${code} ${message.replace(/^\w+: /, "")}`
  const todo = advice[code ?? ""] ?? "Check that it is a directory, and that it belongs to this user."
  return `The directory ${directory} cannot be used (${what}). ${todo}`
}

const forOthers = 0o077

/**
 * The message for a directory or a file that others can read; undefined if only
 * this user can read it.
 *
 * @category messages
 * @since 0.1.0
 */
export const openToOthers = (place: string, mode: number, close = "Close it: "): string | undefined =>
  (mode & forOthers) === 0
    ? undefined
    : `${place} is open to others, with mode ${(mode & 0o7777).toString(8)}. ${close}chmod go= ${place}`

const root = 0

/**
 * The message for a directory or a file of another user; undefined if it belongs
 * to this user or to root, or if there are no owners, as on Windows.
 *
 * @category messages
 * @since 0.1.0
 */
export const ofAnotherUser = (
  place: string,
  owner: number | undefined,
  user: number | undefined
): string | undefined =>
  owner === undefined || user === undefined || owner === user || owner === root
    ? undefined
    : `${place} belongs to another user (uid ${owner}), who can read and change it. Name a directory of the user of this ` +
      `process (uid ${user}), or run the process as that user.`

/**
 * What to do about the directory itself. It may be the root of a volume, which is
 * often open, and which this user cannot close.
 *
 * @category messages
 * @since 0.1.0
 */
export const closeDirectory = (below: string): string =>
  `Name a directory below it, which is made for this user alone: ${below}. Or close it, if nobody else needs it: `
