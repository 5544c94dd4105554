import { SecureRandom } from "effect/crypto"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import type { PlatformError } from "effect/PlatformError"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { rootOf, usageFailure } from "../exitCode.ts"
import type { Failure } from "../exitCode.ts"
import { replaceFile } from "../replaceFile.ts"
import { connect } from "../socket.ts"

/** What a program must know to use the mock. The secret is left out if the program already has it. */
export interface Variables {
  readonly baseUrl: string
  readonly clientId: string
  readonly clientSecret: Redacted.Redacted | undefined
}

/** A secret that works only with the mock that made it, while that mock runs. */
export const makeSecret: Effect.Effect<Redacted.Redacted> = Effect.gen(function*() {
  const { randomBytes } = yield* SecureRandom.SecureRandom
  return Redacted.make(`mock-${Base64Url.encode(yield* Effect.orDie(randomBytes(24)))}`)
}).pipe(Effect.provide(SecureRandom.layerWebCrypto))

/** Each variable and its value, quoted for a shell. */
export const assignments = ({ baseUrl, clientId, clientSecret }: Variables): ReadonlyArray<string> => [
  `SPOTNANA_BASE_URL='${baseUrl}'`,
  `SPOTNANA_CLIENT_ID='${clientId}'`,
  // The one secret that this program ever prints. It is the mock's own: see `makeSecret`.
  ...(clientSecret === undefined ? [] : [`SPOTNANA_CLIENT_SECRET='${Redacted.value(clientSecret)}'`])
]

const title = "# Written by spotnana-auth mock, and removed when it ends."

/**
 * Fails if the file exists and this command did not write it: it may contain credentials of the real Spotnana. Also
 * fails if the mock that wrote it still runs, because its users need the file.
 */
const assertOurs = (
  file: string,
  { baseUrl }: Variables
): Effect.Effect<void, Failure | PlatformError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    if (!(yield* fs.exists(file))) return
    const content = yield* fs.readFileString(file)
    if (!content.startsWith(title)) {
      return yield* usageFailure(`${file} already exists, and was not written by this command. Name another file.`)
    }
    const [, other, port] = /^SPOTNANA_BASE_URL='(http:\/\/127\.0\.0\.1:(\d+))'$/m.exec(content) ?? []
    // This mock has its own port now, so a mock that had it has ended.
    if (other === undefined || other === baseUrl) return
    const isFree = Exit.isFailure(yield* Effect.exit(connect("127.0.0.1", Number(port))))
    if (isFree) return
    return yield* usageFailure(`${file} is of the mock that listens on ${other}. Name another file, or end that mock.`)
  })

/** Writes the variables into a file that only this user can read, and removes it at the end. */
export const writeFile = (
  file: string,
  variables: Variables
): Effect.Effect<void, Failure, FileSystem.FileSystem | Scope.Scope> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const content = [title, ...assignments(variables), ""].join("\n")
    yield* assertOurs(file, variables)
    yield* replaceFile(file, content)
    // Unless another mock has written its own file since.
    yield* Effect.addFinalizer(() =>
      fs.readFileString(file).pipe(
        Effect.flatMap((found) => found === content ? fs.remove(file) : Effect.void),
        Effect.ignore
      )
    )
  }).pipe(Effect.catchTag("PlatformError", (error) => Effect.fail(usageFailure(`${file}: ${rootOf(error)}`))))
