import { ApiUsers, Credentials, TokenProvider } from "@effect-spotnana/core"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { exitCode, Failure, usageFailure } from "../../exitCode.ts"
import { Output } from "../../output.ts"
import { assertEnded } from "./ended.ts"
import { lookAt, revoke } from "./facts.ts"
import * as Journal from "./journal.ts"
import { describe } from "./next.ts"
import type { Next } from "./next.ts"
import * as Record from "./record.ts"
import { drainOf, noteDrain, printRotated } from "./rotate.ts"
import type { Input } from "./rotate.ts"

/** Waits until the tokens of the old user have expired, and revokes the user if the new one is still in use then. */
const finish = (
  recorded: Record.Recorded,
  own: string,
  { newClientId, revokeAt: recordedAt }: Extract<Next, { readonly _tag: "Finish" }>,
  input: Pick<Input, "drain" | "json">
) =>
  Effect.gen(function*() {
    const apiUsers = yield* ApiUsers.ApiUsers
    const journal = Journal.make(recorded, own, apiUsers)
    const now = DateTime.toEpochMillis(yield* DateTime.now)
    const revokeAt = recordedAt !== undefined && Option.isNone(input.drain)
      ? recordedAt
      : now + Duration.toMillis(yield* drainOf(input))
    yield* journal.update({ step: "Switched", revokeAt, pid: process.pid })
    const { rotation: { clientId } } = recorded
    yield* Effect.gen(function*() {
      yield* noteDrain(newClientId, clientId, revokeAt)
      yield* Effect.sleep(Math.max(0, revokeAt - now))
      const next = yield* lookAt({ ...recorded.rotation, step: "Switched" }, own, apiUsers)
      if (next._tag === "Undo" || next._tag === "ByHand") return yield* usageFailure(describe(recorded, next))
      if (next._tag === "Finish") return yield* revoke(apiUsers, clientId)
      if (next.isRotated) return
      // Only the old user is left: somebody has revoked the new one.
      yield* Record.remove(recorded)
      return yield* nothingChanged(clientId)
    }).pipe(
      Effect.onInterrupt(() =>
        Effect.flatMap(
          journal.settle,
          (left) => left === undefined ? Effect.void : Output.use(({ note }) => note(left))
        )
      )
    )
    yield* Record.remove(recorded)
    yield* printRotated(input.json, newClientId, clientId)
  })

/** Continues a rotation that did not complete. */
export const resume = (input: Pick<Input, "drain" | "json">) =>
  Effect.gen(function*() {
    const apiUsers = yield* ApiUsers.ApiUsers
    const { environment: { baseUrl } } = yield* TokenProvider.TokenProvider
    const { clientId: own } = yield* Credentials.Credentials.use(({ current }) => Effect.orDie(current))
    const [recorded] = yield* Record.find(baseUrl, own)
    if (recorded === undefined) {
      return yield* usageFailure(`There is no rotation of ${own} on this machine. Start one without --resume.`)
    }
    const { rotation } = recorded
    yield* assertEnded(recorded)
    const next = yield* lookAt(rotation, own, apiUsers)
    switch (next._tag) {
      case "Finish":
        return yield* finish(recorded, own, next, input)
      case "ByHand":
        return yield* usageFailure(describe(recorded, next))
      case "Over":
        yield* Record.remove(recorded)
        return next.isRotated && rotation.newClientId !== undefined
          ? yield* printRotated(input.json, rotation.newClientId, rotation.clientId)
          : yield* nothingChanged(rotation.clientId)
      case "Undo":
        yield* revoke(apiUsers, next.newClientId)
        yield* Record.remove(recorded)
        return yield* nothingChanged(
          rotation.clientId,
          `The secret of the new API user ${next.newClientId} is lost, so the user was revoked. `
        )
    }
  })

const nothingChanged = (clientId: string, before = "") =>
  new Failure({
    message: `${before}${clientId} works as before. Start again without --resume.`,
    exitCode: exitCode.fault
  })
