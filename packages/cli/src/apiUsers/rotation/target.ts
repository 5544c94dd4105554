import { Credentials } from "@effect-spotnana/core"
import type * as Config from "effect/Config"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import { ChildProcess } from "effect/process"
import type { ChildProcessSpawner } from "effect/process"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Configuration from "../../configuration.ts"
import { exitCode, Failure, rootOf, usageFailure } from "../../exitCode.ts"
import { Output } from "../../output.ts"
import { replaceFile } from "../../replaceFile.ts"
import type { Owner } from "../../replaceFile.ts"
import { clientIdIn, credentialsIn, problemOf, withCredentials } from "./credentialsFile.ts"
import { makeRedact } from "./redact.ts"

type ClientCredentials = Credentials.ClientCredentials

/** The new credentials were certainly not stored. */
export class NotSwitched extends Data.TaggedError("NotSwitched")<{ readonly message: string }> {}

/** Where the new credentials are stored. */
export interface Target {
  /** The file, if it is a file. */
  readonly file: string | undefined
  /** The credentials that are stored there. */
  readonly current: Effect.Effect<ClientCredentials, Failure | PlatformError | Config.ConfigError>
  readonly put: (
    credentials: ClientCredentials
  ) => Effect.Effect<
    void,
    NotSwitched | Failure | PlatformError,
    FileSystem.FileSystem | Output | ChildProcessSpawner.ChildProcessSpawner
  >
}

const textOf = (file: string): Effect.Effect<string, Failure | PlatformError, FileSystem.FileSystem> =>
  Effect.catchIf(
    Configuration.readText(file),
    (error) => error._tag === "PlatformError" && error.reason._tag === "NotFound",
    () => Effect.succeed("")
  )

/** The API user whose credentials are in a file. */
export const clientIdOf = (
  file: string
): Effect.Effect<string | undefined, Failure | PlatformError, FileSystem.FileSystem> =>
  Effect.map(textOf(file), clientIdIn)

const root = 0

/**
 * The owner of a file, if it is another user. Without this owner, the new file would belong to this user, and the
 * application could not read it. Undefined if there is no such file, and on Windows.
 */
const otherOwnerOf = (file: string): Effect.Effect<Owner | undefined, PlatformError, FileSystem.FileSystem> =>
  FileSystem.FileSystem.use((fs) => fs.stat(file)).pipe(
    Effect.map((info) => {
      const owner = Option.getOrUndefined(Option.all({ uid: info.uid, gid: info.gid }))
      return process.geteuid === undefined || owner?.uid === process.geteuid() ? undefined : owner
    }),
    Effect.catchIf((error) => error.reason._tag === "NotFound", () => Effect.undefined)
  )

/** Why a file of this owner cannot be replaced. Root can give the new file to the owner, and can read every file. */
const problemOfOwner = ({ uid }: Owner): string | undefined =>
  uid === root || process.geteuid?.() === root
    ? undefined
    : `belongs to another user (uid ${uid}), who could not read the new file`

/** A file of variables. Its other variables stay. `address` is for a new file. */
export const fileTarget = (
  named: string,
  own: ClientCredentials,
  address: ReadonlyArray<string>
): Effect.Effect<Target, Failure, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const absolute = path.resolve(named)
    // A link stays a link: the file to which it leads is replaced.
    const file = yield* Effect.orElseSucceed(fs.realPath(absolute), () => absolute)
    const text = yield* textOf(file)
    const there = clientIdIn(text)
    const owner = yield* otherOwnerOf(file)
    const problem = problemOf(text) ??
      (owner === undefined ? undefined : problemOfOwner(owner)) ??
      (there === undefined || there === own.clientId ? undefined : `has the credentials of another API user, ${there}`)
    if (problem !== undefined) {
      return yield* usageFailure(`${named} ${problem}. Name another file. Nothing was sent.`)
    }
    yield* fs.access(path.dirname(file), { writable: true })
    return {
      file,
      current: textOf(file).pipe(
        Effect.flatMap((text): Effect.Effect<ClientCredentials, Config.ConfigError> =>
          clientIdIn(text) === undefined ? Effect.succeed(own) : credentialsIn(text)
        ),
        Effect.provideService(FileSystem.FileSystem, fs)
      ),
      put: (credentials) =>
        Effect.gen(function*() {
          const text = withCredentials(yield* textOf(file), credentials, address)
          const isRead = Effect.map(credentialsIn(text), (read) => Credentials.equals(read, credentials))
          if (!(yield* Effect.orElseSucceed(isRead, () => false))) {
            return yield* new NotSwitched({
              message: "because of other lines in the file, the new credentials could not be read from it"
            })
          }
          yield* replaceFile(file, text, process.geteuid?.() === root ? owner : undefined)
        }).pipe(Effect.mapError((error) => new NotSwitched({ message: `${named}: ${rootOf(error)}` })))
    } satisfies Target
  }).pipe(Effect.catchTag("PlatformError", (error) => Effect.fail(usageFailure(`${named}: ${rootOf(error)}`))))

/** How long to read the output of a command after its end. */
const restOfOutput = Duration.seconds(1)

/** Runs the command with the new credentials in its environment. Its output goes to stderr, without the secret. */
const runCommand = (command: string, { clientId, clientSecret }: ClientCredentials) =>
  Effect.gen(function*() {
    const output = yield* Output
    const handle = yield* ChildProcess.make(command, {
      shell: true,
      stdin: "ignore",
      env: { SPOTNANA_NEW_CLIENT_ID: clientId, SPOTNANA_NEW_CLIENT_SECRET: clientSecret },
      extendEnv: true,
      forceKillAfter: "5 seconds"
    })
    const redact = makeRedact(Redacted.value(clientSecret))
    const printing = yield* handle.all.pipe(
      Stream.decodeText,
      Stream.splitLines,
      Stream.runForEach((line) => output.note(redact(line))),
      Effect.forkChild
    )
    const code = yield* Effect.mapError(
      handle.exitCode,
      (error) =>
        new Failure({ message: `The switch command did not end by itself. ${rootOf(error)}`, exitCode: exitCode.fault })
    )
    // The command may have started a program that continues to run, such as the application. That program may keep the
    // output open.
    yield* Effect.timeoutOption(Fiber.join(printing), restOfOutput)
    if (code !== 0) return yield* new NotSwitched({ message: `The switch command ended with exit code ${code}.` })
    // Otherwise that program would be ended with the command.
    yield* Effect.asVoid(handle.unref)
  }).pipe(Effect.scoped)

/** A command that stores the credentials somewhere. They count as stored once it has ended with exit code 0. */
export const commandTarget = (command: string, own: ClientCredentials): Target => {
  let current = own
  return {
    file: undefined,
    current: Effect.sync(() => current),
    put: (credentials) =>
      Effect.tap(runCommand(command, credentials), () => Effect.sync(() => void (current = credentials)))
  }
}
