import type { MockSpotnana, Settings } from "@effect-spotnana/testing"
import * as Config from "effect/Config"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import { usageFailure } from "../exitCode.ts"
import type { Failure } from "../exitCode.ts"
import * as Faults from "./faults.ts"
import { users } from "./users.ts"

/** The options of the mock on the command line. */
export interface Input {
  readonly clientId: Option.Option<string>
  readonly tokenLifetime: Option.Option<Duration.Duration>
  readonly tokenLatency: Option.Option<Duration.Duration>
  readonly apiLatency: Option.Option<Duration.Duration>
  readonly expiresIn: Option.Option<string>
  readonly refusal: `${"400" | "401" | "403"}-${"oauth2" | "spotnana"}`
  readonly fault: ReadonlyArray<string>
  readonly user: ReadonlyArray<string>
}

/**
 * A variable of the environment; an empty one counts as absent. No file is read, because it may be for the real
 * Spotnana.
 */
const variable = (name: string): Effect.Effect<string | undefined, Config.ConfigError> =>
  Effect.map(Config.String(name).pipe(Config.withDefault("")), (value) => value === "" ? undefined : value)

const clientIdOf = ({ clientId }: Input): Effect.Effect<string, Config.ConfigError | Failure> =>
  Effect.gen(function*() {
    const id = Option.getOrUndefined(clientId) ?? (yield* variable("SPOTNANA_CLIENT_ID")) ?? "mock-client"
    // It is printed for a shell, between quotes.
    return /^[\x21-\x7e]+$/.test(id) && !id.includes("'")
      ? id
      : yield* usageFailure(
        `The client id is ${JSON.stringify(id)}; expected printable ASCII without spaces and quotes.`
      )
  })

/** The users that the mock knows. Each id is a segment of a path. */
const usersOf = ({ user }: Input): Effect.Effect<ReadonlyArray<string>, Failure> =>
  Effect.forEach(user.length === 0 ? users : user, (id) =>
    /^[\w~-][\w.~@+-]*$/.test(id)
      ? Effect.succeed(id)
      : Effect.fail(
        usageFailure(`--user ${JSON.stringify(id)}: expected an id or an email of letters, digits and . _ ~ @ + -`)
      ))

const expiresInOf = (text: string): Effect.Effect<Schema.Json, Failure> =>
  text === "absent" ? Effect.succeed(text) : Effect.try({
    try: () => JSON.parse(text) as Schema.Json,
    catch: () => usageFailure(`--expires-in ${text}: expected absent, or JSON as in 60, -1, null or '"60"'.`)
  })

const settingsOf = (input: Input): Effect.Effect<Settings.Input, Failure> =>
  Effect.gen(function*() {
    const [status, body] = input.refusal.split("-") as ["400" | "401" | "403", "oauth2" | "spotnana"]
    return {
      tokenLifetime: Option.getOrUndefined(input.tokenLifetime),
      tokenLatency: Option.getOrUndefined(input.tokenLatency),
      apiLatency: Option.getOrUndefined(input.apiLatency),
      expiresIn: Option.isNone(input.expiresIn) ? undefined : yield* expiresInOf(input.expiresIn.value),
      refusal: { status: Number(status) as 400 | 401 | 403, body }
    }
  })

const orderOf = (text: string): Effect.Effect<Faults.Order, Failure> =>
  Effect.fromResult(Faults.parse(text)).pipe(
    Effect.mapError((problem) => usageFailure(`--fault ${text}: ${problem}.\nExpected ${Faults.grammar}`))
  )

/** The options of the mock, and its faults. */
export const read = (input: Input): Effect.Effect<
  {
    readonly options: MockSpotnana.Options & { readonly clientId: string; readonly users: ReadonlyArray<string> }
    readonly faults: ReadonlyArray<Faults.Order>
  },
  Config.ConfigError | Failure
> =>
  Effect.gen(function*() {
    const secret = yield* variable("SPOTNANA_CLIENT_SECRET")
    return {
      options: {
        ...(yield* settingsOf(input)),
        clientId: yield* clientIdOf(input),
        users: yield* usersOf(input),
        clientSecret: secret === undefined ? undefined : Redacted.make(secret)
      },
      faults: yield* Effect.forEach(input.fault, orderOf)
    }
  })
