import { AccessToken, ApiUserRotation, ApiUsers, Credentials, TokenProvider } from "@effect-spotnana/core"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { exitCode, explain, Failure, usageFailure } from "../../exitCode.ts"
import { Output } from "../../output.ts"
import { timeOfDay } from "../../requestLine.ts"
import { addressOf } from "../shown.ts"
import { assertEnded } from "./ended.ts"
import { lookAt, revoke } from "./facts.ts"
import * as Journal from "./journal.ts"
import { describe } from "./next.ts"
import * as Record from "./record.ts"
import { commandTarget, fileTarget, NotSwitched } from "./target.ts"

export interface Input {
  readonly switchCommand: Option.Option<string>
  readonly writeFile: Option.Option<string>
  readonly drain: Option.Option<Duration.Duration>
  readonly tmcId: Option.Option<string>
  readonly orgId: Option.Option<string>
  readonly json: boolean
}

/** What the command prints in the end. */
export const printRotated = (json: boolean, clientId: string, revoked: string): Effect.Effect<void, never, Output> =>
  Output.use(({ line, note }) =>
    json
      ? line(JSON.stringify({ clientId, revoked }))
      : Effect.andThen(note(`${revoked} is revoked`), line(clientId))
  )

/** Says how long the old user stays. */
export const noteDrain = (
  newClientId: string,
  clientId: string,
  revokeAt: number
): Effect.Effect<void, never, Output> =>
  Output.use(({ note }) =>
    note(
      `${newClientId} is in use. ${clientId} will be revoked at ${timeOfDay(DateTime.makeUnsafe(revokeAt))}, ` +
        "when all its tokens have expired."
    )
  )

/** How long a token of the old user may be valid, plus how long programs may cache the credentials. */
export const drainOf = ({ drain }: Pick<Input, "drain">) =>
  Option.isSome(drain)
    ? Effect.succeed(drain.value)
    : TokenProvider.TokenProvider.use(({ get }) =>
      Effect.map(get, (token) => Duration.sum(AccessToken.lifetime(token), Duration.minutes(5)))
    )

const sentences = (...texts: ReadonlyArray<string | undefined>): string =>
  texts.filter((text) => text !== undefined && text !== "").join("\n")

/** The rotation failed. If its credentials were not stored, nobody can use the new user. */
const failed = (
  { cause, message, newClientId }: ApiUserRotation.ApiUserRotationFailed,
  journal: Journal.Journal
) =>
  Effect.gen(function*() {
    if (cause instanceof NotSwitched && newClientId !== undefined) {
      // Records that nobody has its secret.
      yield* Effect.ignore(journal.update({ step: "Created" }))
      yield* ApiUsers.ApiUsers.use((apiUsers) => Effect.ignore(revoke(apiUsers, newClientId)))
      const left = yield* journal.settle
      return yield* new Failure({
        message: sentences(
          cause.message,
          left ?? `The new API user ${newClientId} was revoked. Nothing is changed.`
        ),
        exitCode: exitCode.fault
      })
    }
    const left = yield* journal.settle
    const reason = cause === undefined ? undefined : explain(cause)
    return yield* new Failure({
      message: sentences(message, reason?.message, left),
      exitCode: reason?.exitCode ?? exitCode.fault
    })
  })

const interrupted = (journal: Journal.Journal) =>
  Effect.gen(function*() {
    const output = yield* Output
    const left = yield* journal.settle
    yield* output.note(left ?? "The rotation was stopped. Nothing is changed.")
  })

/** Replaces the API user of this command by a new one. */
export const rotate = (input: Input) =>
  Effect.gen(function*() {
    const output = yield* Output
    const apiUsers = yield* ApiUsers.ApiUsers
    const { environment } = yield* TokenProvider.TokenProvider
    const { baseUrl } = environment
    const own = yield* Credentials.Credentials.use(({ current }) => Effect.orDie(current))
    const { clientId } = own
    for (const recorded of yield* Record.find(baseUrl, clientId)) {
      yield* assertEnded(recorded)
      const next = yield* lookAt(recorded.rotation, clientId, apiUsers)
      if (next._tag !== "Over") return yield* usageFailure(describe(recorded, next))
      yield* Record.remove(recorded)
    }
    const target = Option.isSome(input.writeFile)
      ? yield* fileTarget(input.writeFile.value, own, addressOf(environment))
      : commandTarget(Option.getOrThrow(input.switchCommand), own)
    const drain = yield* drainOf(input)
    const begun = yield* Record.begin({
      step: "Creating",
      baseUrl,
      clientId,
      known: yield* apiUsers.list,
      file: target.file,
      startedAt: DateTime.formatIso(yield* DateTime.now),
      pid: process.pid
    })
    const journal = Journal.make(begun, clientId, apiUsers)
    const created = yield* ApiUserRotation.rotate({
      user: { tmcId: Option.getOrUndefined(input.tmcId), orgId: Option.getOrUndefined(input.orgId) },
      drain,
      onCreated: ({ newClientId }) =>
        Effect.andThen(
          journal.update({ step: "Created", newClientId }),
          output.note(`The new API user ${newClientId} is created.`)
        ),
      switchTo: (created) =>
        Effect.gen(function*() {
          yield* Effect.mapError(journal.update({ step: "Switching" }), (failure) => new NotSwitched(failure))
          yield* target.put(created)
          const revokeAt = DateTime.toEpochMillis(yield* DateTime.now) + Duration.toMillis(drain)
          // The switch is done, even if it cannot be recorded.
          yield* Effect.catch(journal.update({ step: "Switched", revokeAt }), ({ message }) => output.warn(message))
          yield* noteDrain(created.clientId, clientId, revokeAt)
        })
    }).pipe(
      Effect.provideService(Credentials.Credentials, { current: target.current }),
      Effect.catchTag("ApiUserRotationFailed", (error) => failed(error, journal)),
      Effect.onInterrupt(() => interrupted(journal))
    )
    yield* Record.remove(begun)
    yield* printRotated(input.json, created.clientId, clientId)
  })
