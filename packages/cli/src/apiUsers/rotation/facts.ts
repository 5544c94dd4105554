import type { ApiUsers } from "@effect-spotnana/core"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type { PlatformError } from "effect/PlatformError"
import { exitCode, Failure } from "../../exitCode.ts"
import { nextOf } from "./next.ts"
import type { Next } from "./next.ts"
import type { Rotation } from "./record.ts"
import { clientIdOf } from "./target.ts"

/** What to do about a rotation, according to the API and the file of the credentials. */
export const lookAt = (
  rotation: Rotation,
  own: string,
  apiUsers: ApiUsers.ApiUsers["Service"]
): Effect.Effect<Next, ApiUsers.ApiUsersError | Failure | PlatformError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const clientIds = yield* apiUsers.list
    // A switch command stores them where they cannot be read. This command may get its own credentials from there.
    const inUse = rotation.file !== undefined
      ? yield* clientIdOf(rotation.file)
      : own === rotation.newClientId
      ? own
      : undefined
    return nextOf(rotation, { clientIds, inUse })
  })

/** Takes 30 seconds at most, and is not interrupted. 404: it is revoked already. */
export const revoke = (
  apiUsers: ApiUsers.ApiUsers["Service"],
  clientId: string
): Effect.Effect<void, ApiUsers.ApiUsersError | Failure> =>
  apiUsers.revoke(clientId).pipe(
    Effect.catchTag("SpotnanaApiError", (error) => error.status === 404 ? Effect.void : Effect.fail(error)),
    Effect.timeoutOrElse({
      duration: "30 seconds",
      orElse: () =>
        Effect.fail(
          new Failure({
            message: `No answer within 30 seconds: whether ${clientId} is revoked is not known. To go on: ` +
              "spotnana-auth api-users rotate --resume",
            exitCode: exitCode.unavailable
          })
        )
    }),
    Effect.uninterruptible
  )
