import { Digest } from "effect/crypto"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as Schema from "effect/Schema"
import { rootOf, usageFailure } from "../../exitCode.ts"
import type { Failure } from "../../exitCode.ts"
import { replaceFile } from "../../replaceFile.ts"
import { places } from "../../tokenStore.ts"

/** What is known about a rotation, for a process that continues it. It contains no secret. */
export const Rotation = Schema.Struct({
  /**
   * `Creating`: there may be a new user. `Created`: only the process has its secret. `Switching`: others may have it.
   */
  step: Schema.Literals(["Creating", "Created", "Switching", "Switched"]),
  baseUrl: Schema.String,
  clientId: Schema.String,
  newClientId: Schema.optional(Schema.String),
  /** The API users that existed before. */
  known: Schema.Array(Schema.String),
  /** The file that gets the new credentials; absent if a command gets them. */
  file: Schema.optional(Schema.String),
  startedAt: Schema.String,
  /** When all tokens of the old user have expired, in Unix milliseconds. */
  revokeAt: Schema.optional(Schema.Finite),
  /** The process that runs the rotation. */
  pid: Schema.optional(Schema.Int)
})

export type Rotation = typeof Rotation.Type

/** A rotation and the file that it is recorded in. */
export interface Recorded {
  readonly place: string
  readonly rotation: Rotation
}

const encode = (rotation: Rotation): string => `${JSON.stringify(rotation, null, 2)}\n`

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Rotation))

const unusable = (error: PlatformError): Failure =>
  usageFailure(`The record of the rotation cannot be written. ${rootOf(error)}`)

const directory = Effect.gen(function*() {
  const path = yield* Path.Path
  return path.join((yield* places).directory, "rotations")
})

/**
 * One name for each API user of each address. So if two rotations begin together, one finds the record of the other.
 */
const nameOf = ({ baseUrl, clientId }: Rotation): Effect.Effect<string> =>
  Effect.gen(function*() {
    const { digest } = yield* Digest.Digest
    const hash = yield* digest(Digest.sha256, new TextEncoder().encode(`${baseUrl}\n${clientId}`))
    return `${Hex.encode(hash).slice(0, 16)}.json`
  }).pipe(Effect.provide(Digest.layerWebCrypto))

/** The rotations that did not complete and whose old or new user is this user. */
export const find = (
  baseUrl: string,
  clientId: string
): Effect.Effect<ReadonlyArray<Recorded>, Failure, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const parent = yield* directory
    if (!(yield* fs.exists(parent))) return []
    const names = (yield* fs.readDirectory(parent)).filter((name) => name.endsWith(".json"))
    const all = yield* Effect.forEach(names, (name) => {
      const place = path.join(parent, name)
      return fs.readFileString(place).pipe(
        Effect.flatMap(decode),
        Effect.map((rotation): Recorded => ({ place, rotation })),
        Effect.catchTag("SchemaError", () =>
          Effect.fail(usageFailure(
            `${place} is not a record of a rotation. Check spotnana-auth api-users list, then remove the file.`
          )))
      )
    })
    return all.filter(({ rotation }) =>
      rotation.baseUrl === baseUrl && (rotation.clientId === clientId || rotation.newClientId === clientId)
    )
  }).pipe(Effect.catchTag("PlatformError", (error) => Effect.fail(unusable(error))))

/** Records a rotation that begins. Fails if there is a record for this user. */
export const begin = (rotation: Rotation): Effect.Effect<Recorded, Failure, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const parent = yield* directory
    yield* fs.makeDirectory(parent, { recursive: true, mode: 0o700 })
    const place = path.join(parent, yield* nameOf(rotation))
    yield* fs.writeFileString(place, encode(rotation), { flag: "wx", mode: 0o600 }).pipe(
      // On a full disk, the file is there, but is not a record.
      Effect.tapError(({ reason }) => reason._tag === "AlreadyExists" ? Effect.void : Effect.ignore(fs.remove(place))),
      Effect.catchIf(
        ({ reason }) => reason._tag === "AlreadyExists",
        () => Effect.fail(usageFailure(`Another rotation of ${rotation.clientId} has just begun: see ${place}.`))
      )
    )
    return { place, rotation }
  }).pipe(Effect.catchTag("PlatformError", (error) => Effect.fail(unusable(error))))

/** Records what has changed. */
export const update = (
  { place, rotation }: Recorded,
  changes: Partial<Rotation>
): Effect.Effect<Recorded, Failure, FileSystem.FileSystem> => {
  const changed = { ...rotation, ...changes }
  return replaceFile(place, encode(changed)).pipe(
    Effect.mapBoth({ onFailure: unusable, onSuccess: () => ({ place, rotation: changed }) })
  )
}

export const remove = ({ place }: Recorded): Effect.Effect<void, never, FileSystem.FileSystem> =>
  FileSystem.FileSystem.use((fs) => Effect.ignore(fs.remove(place)))
