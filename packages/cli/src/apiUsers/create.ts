import { ApiUsers, TokenProvider } from "@effect-spotnana/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { exitCode, Failure, usageFailure } from "../exitCode.ts"
import { Output } from "../output.ts"
import { reserve } from "../reserve.ts"
import { addressOf, toJson, toVariables } from "./shown.ts"
import type { Shown } from "./shown.ts"

export interface Input {
  readonly scim: boolean
  readonly role: Option.Option<"TMC_ADMIN" | "COMPANY_ADMIN">
  readonly tmcId: Option.Option<string>
  readonly orgId: Option.Option<string>
  readonly writeFile: Option.Option<string>
  readonly json: boolean
  readonly print: boolean
}

/** Fails, before anything is sent, if the secret would be printed to a terminal. */
export const assertPlace = (input: Input): Effect.Effect<void, Failure, Output> =>
  Effect.gen(function*() {
    if (input.scim && Option.contains(input.role, "TMC_ADMIN")) {
      return yield* usageFailure("An API user for SCIM is a COMPANY_ADMIN: leave out --role.")
    }
    const { isTerminal } = yield* Output
    if (isTerminal && Option.isNone(input.writeFile) && !input.print) {
      return yield* usageFailure(
        "This would print a secret to the terminal. To write it into a file, add --write-file; " +
          "to see it here, add --print."
      )
    }
  })

const make = (input: Input): Effect.Effect<Shown, ApiUsers.ApiUsersError, ApiUsers.ApiUsers> => {
  const owner = { tmcId: Option.getOrUndefined(input.tmcId), orgId: Option.getOrUndefined(input.orgId) }
  return ApiUsers.ApiUsers.use((apiUsers): Effect.Effect<Shown, ApiUsers.ApiUsersError> =>
    input.scim
      ? apiUsers.createScimToken(owner)
      : apiUsers.create({ ...owner, role: Option.getOrUndefined(input.role) })
  )
}

const noAnswer = new Failure({
  message: "No complete answer within 30 seconds. An API user may have been created anyway: check " +
    "spotnana-auth api-users list.",
  exitCode: exitCode.unavailable
})

/** Creates an API user, and outputs its secret. Ctrl-C does not interrupt between the two. */
export const create = (input: Input) =>
  Effect.gen(function*() {
    const output = yield* Output
    // The user exists only there.
    const address = addressOf((yield* TokenProvider.TokenProvider).environment)
    const write = Option.isSome(input.writeFile) ? yield* reserve(input.writeFile.value) : undefined
    const shown = yield* Effect.timeoutOrElse(make(input), {
      duration: "30 seconds",
      orElse: () => Effect.fail(noAnswer)
    })
    const lines = [...address, toVariables(shown)].join("\n")
    if (write === undefined) return yield* output.line(input.json ? toJson(shown) : lines)
    yield* Effect.catch(write(`${lines}\n`), ({ message }) => undo(shown, message))
    yield* output.line(input.json ? JSON.stringify({ clientId: shown.clientId }) : shown.clientId)
  }).pipe(Effect.scoped, Effect.uninterruptible)

/** Nobody has the secret, so the user is revoked. */
const undo = ({ clientId }: Shown, problem: string) =>
  Effect.gen(function*() {
    const gone = yield* Effect.exit(
      ApiUsers.ApiUsers.use((apiUsers) => Effect.timeout(apiUsers.revoke(clientId), "30 seconds"))
    )
    return yield* new Failure({
      message: `${problem}\nThe new API user ${clientId} ${
        gone._tag === "Success" ? "was revoked." : "could not be revoked: revoke it."
      }`,
      exitCode: exitCode.fault
    })
  })
