import type { ApiUsers } from "@effect-spotnana/core"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type { Failure } from "../../exitCode.ts"
import { lookAt } from "./facts.ts"
import { describe } from "./next.ts"
import * as Record from "./record.ts"

/** The record of the rotation that this process is running. */
export interface Journal {
  readonly update: (changes: Partial<Record.Rotation>) => Effect.Effect<void, Failure, FileSystem.FileSystem>
  /**
   * What is left to do, as a text. If there is nothing, it is undefined and the record is removed. Takes 30 seconds at
   * most.
   */
  readonly settle: Effect.Effect<string | undefined, never, FileSystem.FileSystem>
}

export const make = (begun: Record.Recorded, own: string, apiUsers: ApiUsers.ApiUsers["Service"]): Journal => {
  let recorded = begun
  return {
    update: (changes) =>
      Effect.map(Record.update(recorded, changes), (changed) => {
        recorded = changed
      }),
    settle: Effect.gen(function*() {
      const next = yield* lookAt(recorded.rotation, own, apiUsers)
      if (next._tag !== "Over") return describe(recorded, next)
      yield* Record.remove(recorded)
      return undefined
    }).pipe(
      Effect.timeout("30 seconds"),
      Effect.orElseSucceed(() => {
        const { clientId, newClientId } = recorded.rotation
        return `The state of ${clientId}${
          newClientId === undefined ? "" : ` and ${newClientId}`
        } is not known, because ` +
          "there was no answer. To continue: spotnana-auth api-users rotate --resume\n" +
          `The rotation is recorded in ${recorded.place}.`
      })
    )
  }
}
