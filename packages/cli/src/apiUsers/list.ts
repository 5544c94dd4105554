import { ApiUsers, Credentials } from "@effect-spotnana/core"
import * as Effect from "effect/Effect"
import { Output } from "../output.ts"

/** Prints the API users. With `json`, it also shows which of them is the one of the command itself. */
export const list = (json: boolean) =>
  Effect.gen(function*() {
    const output = yield* Output
    const clientIds = yield* ApiUsers.ApiUsers.use((apiUsers) => apiUsers.list)
    const own = yield* Credentials.Credentials.use(({ current }) => Effect.orDie(current))
    yield* json
      ? output.line(JSON.stringify({
        apiUsers: clientIds.map((clientId) => ({ clientId, isOwn: clientId === own.clientId }))
      }))
      : Effect.forEach(clientIds, output.line, { discard: true })
  })
