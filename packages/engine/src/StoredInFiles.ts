/**
 * What a store in a directory writes and what it means, which clients for every version of Effect share.
 *
 * In the folder of a key each file is `<kind>.<fence>`, is written whole, and never changes its meaning:
 *
 * ```text
 * lease.7     the process with fencing token 7 may write until the time in it; an extension replaces the file
 * released.7  that lease is over
 * backoff.7   that lease is over, and none is granted until the time in it, for the reason in it
 * token.7     what was written; the one with the highest fencing token counts
 * ```
 *
 * Fencing tokens begin with the number in the file `beginning`, the time at which the directory was made: a directory
 * that is removed and made again goes on above the numbers of the old one.
 *
 * A file from the future is over: the clock was set back, and nobody knows how long ago the file was made.
 * A fencing token is taken by making the file, which only one process can do. The highest one decides; files of lower
 * ones are out of use, and are removed by the process that takes the next one. Files are written in the directory
 * `drafts`, which nobody watches, and are moved from there.
 *
 * What happened to all keys is told in one directory, `changes`, so that one look finds the changes of all of them. For
 * each key it has two empty files at most: `<folder>.token.<fence>` for the latest token, and `<folder>.released.<fence>`
 * for the latest lease that ended without one.
 *
 * @since 0.1.0
 */
import { objectOfText } from "./Json.ts"

const kinds = ["lease", "released", "backoff", "token"] as const

/**
 * What a file says.
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
 * The files of these names; others than the store's own are left out.
 *
 * @category decoding
 * @since 0.1.0
 */
export const filesOf = (names: ReadonlyArray<string>): ReadonlyArray<File> =>
  names.flatMap((name) => {
    const [, kind, fence] = /^([a-z]+)\.(\d+)$/.exec(name) ?? []
    const known = kinds.find((_) => _ === kind)
    return known === undefined ? [] : [{ kind: known, fence: Number(fence) }]
  })

/**
 * The highest fencing token of files of these kinds, of all kinds if none is named; zero if there is none.
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
 * What keeps the next process from the lease, unless its time is over.
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
 * Whether others have used this fencing token, or gone past it and removed its files, between the look and the making
 * of its lease.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isUsed = (files: ReadonlyArray<File>, fence: number): boolean =>
  highest(files, "lease") > fence || highest(files, "released", "backoff", "token") >= fence

/**
 * The files that are out of use under the lease of this fencing token.
 *
 * @category getters
 * @since 0.1.0
 */
export const outOfUse = (files: ReadonlyArray<File>, fence: number): ReadonlyArray<File> => {
  const token = highest(files, "token")
  return files.filter((file) => file.fence < (file.kind === "token" ? token : fence))
}

/**
 * How long a draft may lie there: the process that wrote it was killed.
 *
 * @category constants
 * @since 0.1.0
 */
export const draftTimeToLive = 60_000

// File systems have names of 255 bytes, fold case, reserve names (`CON`) and cut off dots. A person finds a client by the
// beginning, and processes by the hash.
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
 * What is in a file: a text, and when it counts, in milliseconds since the Unix epoch.
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
 * What is in a file; undefined where it is not whole.
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
 * How much longer a content counts, in milliseconds; zero: it is over.
 *
 * @category getters
 * @since 0.1.0
 */
export const timeLeft = ({ from, until }: Content, now: number): number => from <= now ? Math.max(0, until - now) : 0

/**
 * What is told of a key in the directory `changes`.
 *
 * @category models
 * @since 0.1.0
 */
export type Told = "token" | "released"

/**
 * The latest fencing token of what is told, by folder and kind.
 *
 * @category models
 * @since 0.1.0
 */
export type Changes = ReadonlyMap<string, number>

/**
 * What the files in the directory `changes` tell.
 *
 * @category decoding
 * @since 0.1.0
 */
export const changesOf = (names: ReadonlyArray<string>): Changes => {
  const told = new Map<string, number>()
  for (const name of names) {
    const [, what = "", fence] = /^(.+\.(?:token|released))\.(\d+)$/.exec(name) ?? []
    if (Number(fence) > (told.get(what) ?? 0)) told.set(what, Number(fence))
  }
  return told
}

/**
 * The name of the file that tells it.
 *
 * @category naming
 * @since 0.1.0
 */
export const changeName = (folder: string, what: Told, fence: number): string => `${folder}.${what}.${fence}`

/**
 * The files of these names that a later one makes void.
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
 * What happened to the key of a folder between two looks.
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

/**
 * The message of a directory that cannot be used, with what to do.
 *
 * @category messages
 * @since 0.1.0
 */
export const unusable = (directory: string, message: string, cause: unknown): string => {
  // The code of the system's error says more than the kinds of Effect.
  const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined
  const what = code === undefined ? message : `${code} ${message.replace(/^\w+: /, "")}`
  const todo = advice[code ?? ""] ?? "Check that it is a directory, and this user's."
  return `The directory ${directory} cannot be used (${what}). ${todo}`
}

const forOthers = 0o077

/**
 * The message of a directory or a file that others can read; undefined for one that this user alone can read.
 *
 * @category messages
 * @since 0.1.0
 */
export const openToOthers = (place: string, mode: number, close = "Close it: "): string | undefined =>
  (mode & forOthers) === 0
    ? undefined
    : `${place} is open to others, with mode ${(mode & 0o7777).toString(8)}. ${close}chmod go= ${place}`

/**
 * What to do about the directory itself: the root of a volume is often open, and not this user's to close.
 *
 * @category messages
 * @since 0.1.0
 */
export const closeDirectory = (below: string): string =>
  `Name a directory below it, which is made for this user alone: ${below}. Or close it, if nobody else needs it: `
