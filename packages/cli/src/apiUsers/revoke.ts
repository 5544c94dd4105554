import { ApiUsers, Credentials } from "@effect-spotnana/core"
import * as Effect from "effect/Effect"
import { usageFailure } from "../exitCode.ts"
import { Output } from "../output.ts"

export interface Input {
  readonly clientId: string
  readonly own: boolean
  readonly json: boolean
}

/** Revokes an API user; the one of the command itself only with `own`. */
export const revoke = ({ clientId, json, own }: Input) =>
  Effect.gen(function*() {
    const current = yield* Credentials.Credentials.use(({ current }) => Effect.orDie(current))
    if (clientId === current.clientId && !own) {
      return yield* usageFailure(
        `${clientId} is the API user of this command itself: its secret and all its tokens would be invalid at once. ` +
          "If you want that, add --own. Nothing was sent."
      )
    }
    yield* ApiUsers.ApiUsers.use((apiUsers) => apiUsers.revoke(clientId))
    const output = yield* Output
    yield* json ? output.line(JSON.stringify({ clientId, revoked: true })) : output.note(`${clientId} is revoked`)
  })
