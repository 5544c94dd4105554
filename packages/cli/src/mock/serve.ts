import { MockSpotnana } from "@effect-spotnana/testing"
import type { Ledger } from "@effect-spotnana/testing"
import type * as Config from "effect/Config"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import { HttpServer } from "effect/http"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { usageFailure } from "../exitCode.ts"
import type { Failure } from "../exitCode.ts"
import * as Loopback from "../loopback.ts"
import { Output } from "../output.ts"
import { requestLine } from "../requestLine.ts"
import * as Options from "./options.ts"
import { remarkOf } from "./remark.ts"
import * as Variables from "./variables.ts"

export interface Input extends Options.Input {
  readonly port: number
  readonly user: ReadonlyArray<string>
  readonly writeCredentials: Option.Option<string>
  readonly revokeEvery: Option.Option<Duration.Duration>
  readonly quiet: boolean
}

type Mock = MockSpotnana.MockSpotnana["Service"]

/** Prints what happened to each request, and removes it from the ledger, because the mock may run for days. */
const follow = (mock: Mock, quiet: boolean): Effect.Effect<void, never, Output> =>
  Effect.gen(function*() {
    const output = yield* Output
    const say = (entry: Ledger.LedgerEntry) =>
      output.note(requestLine(output.noteStyle, {
        at: DateTime.makeUnsafe(entry.at),
        method: entry.method,
        path: entry.path,
        status: String(entry.status),
        remark: remarkOf(entry)
      }))
    yield* Stream.runForEach(
      mock.requests,
      (entry) => Effect.andThen(mock.clearLedger, quiet ? Effect.void : say(entry))
    )
  })

const revokeEvery = (mock: Mock, interval: Duration.Duration): Effect.Effect<never, never, Output> =>
  Effect.gen(function*() {
    const output = yield* Output
    yield* Effect.sleep(interval)
    yield* mock.revokeTokens
    yield* output.note(output.noteStyle.dim("Every token that was issued is revoked"))
  }).pipe(Effect.forever)

/** The secret of the mock, if the environment has none. */
const makeSecret = (writeCredentials: Option.Option<string>): Effect.Effect<Redacted.Redacted, Failure, Output> =>
  Effect.gen(function*() {
    const { isTerminal } = yield* Output
    if (Option.isNone(writeCredentials) && !isTerminal) {
      return yield* usageFailure(
        "The mock's client secret would not be printed, because stdout is not a terminal. " +
          "Name a file for it with --write-credentials, or set SPOTNANA_CLIENT_SECRET."
      )
    }
    return yield* Variables.makeSecret
  })

/** The paths that the mock answers. */
const pathsOf = (users: ReadonlyArray<string>): string =>
  [
    "GET /v2/companies?limit=2",
    ...users.map((id) => `GET /v2/users/${id}`),
    "GET /v2/api-users",
    "POST /v2/echo (answers with the body that it got)"
  ].map((path) => `  ${path}`).join("\n")

/**
 * Tells the user how to reach the mock. The secret is printed only to the user's terminal, or written into the named
 * file.
 */
const introduce = (
  variables: Variables.Variables,
  users: ReadonlyArray<string>,
  writeCredentials: Option.Option<string>
): Effect.Effect<void, Failure, Output | FileSystem.FileSystem | Scope.Scope> =>
  Effect.gen(function*() {
    const output = yield* Output
    if (Option.isSome(writeCredentials)) yield* Variables.writeFile(writeCredentials.value, variables)
    const isForReader = Option.isNone(writeCredentials) && output.isTerminal
    const shown = isForReader ? variables : { ...variables, clientSecret: undefined }
    // For a script, which gets the secret in another way.
    if (isForReader || !output.isTerminal) {
      yield* output.line(Variables.assignments(shown).map((assignment) => `export ${assignment}`).join("\n"))
    }
    const isGiven = variables.clientSecret === undefined
    const where = Option.match(writeCredentials, {
      onNone: () => "Paste the lines that begin with export into another terminal.",
      onSome: (file) =>
        `Its address and ${isGiven ? "client id" : "credentials"} are in ${file}${
          isGiven ? "" : " until it ends"
        }: use them with node --env-file=${file}, or in other commands with --credentials-file ${file}`
    })
    const secret = isGiven ? " Its client secret is your SPOTNANA_CLIENT_SECRET, which is written nowhere." : ""
    yield* output.note(
      `A mock of Spotnana listens on ${variables.baseUrl}.${secret} ${where}\nWith a token, it answers:\n${
        pathsOf(users)
      }\n` +
        "Ctrl-C ends it."
    )
  })

/** Runs the mock until it is interrupted. */
export const serve = (
  input: Input
): Effect.Effect<never, Config.ConfigError | Failure, Output | FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const { faults, options } = yield* Options.read(input)
    const madeUp = options.clientSecret === undefined ? yield* makeSecret(input.writeCredentials) : undefined
    const mock = yield* MockSpotnana.make({ ...options, clientSecret: options.clientSecret ?? madeUp })
    for (const email of input.user) yield* mock.addUser(email, email)
    for (const { endpoint, fault, times } of faults) yield* mock.inject(endpoint, fault, { times })
    const server = yield* Loopback.listen({ host: "127.0.0.1", port: input.port, drain: 0 })
    yield* Effect.forkScoped(follow(mock, input.quiet), { startImmediately: true })
    yield* Layer.build(MockSpotnana.layerServer).pipe(
      Effect.provideService(MockSpotnana.MockSpotnana, mock),
      Effect.provideService(HttpServer.HttpServer, server)
    )
    if (Option.isSome(input.revokeEvery)) yield* Effect.forkScoped(revokeEvery(mock, input.revokeEvery.value))
    // A secret of the environment is not shown, because it may be the real one.
    yield* introduce(
      { baseUrl: HttpServer.formatAddress(server.address), clientId: options.clientId, clientSecret: madeUp },
      options.users,
      input.writeCredentials
    )
    return yield* Effect.never
  }).pipe(Effect.scoped)
