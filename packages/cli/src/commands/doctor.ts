import { hasDotSegment } from "@effect-spotnana/engine/Url"
import { Command, Flag } from "effect/cli"
import * as Effect from "effect/Effect"
import { FetchHttpClient } from "effect/http"
import * as Option from "effect/Option"
import * as Terminal from "effect/Terminal"
import * as Tuple from "effect/Tuple"
import * as Client from "../client.ts"
import * as Configuration from "../configuration.ts"
import { checkCall, checkCredentials } from "../doctor/access.ts"
import { makeExamine } from "../doctor/check.ts"
import type { Examine, Result } from "../doctor/check.ts"
import { checkClock, checkConnection, checkDns } from "../doctor/connection.ts"
import { checkConfiguration, checkStore } from "../doctor/local.ts"
import { dotSegmentRefused } from "../dotSegment.ts"
import { exitCode, Failure } from "../exitCode.ts"
import { paragraphs, toggle } from "../flag.ts"
import { Output } from "../output.ts"
import type { Style } from "../output.ts"
import { wrap } from "../wrap.ts"

/** The checks. Each uses the results of the ones before it. */
const examineAll = (examine: Examine, input: Configuration.Input, call: string) =>
  Effect.gen(function*() {
    const subject = yield* examine("configuration", Option.some(input), checkConfiguration)
    yield* examine("token store", subject, checkStore)
    const name = yield* examine("dns", subject, checkDns)
    const connection = yield* examine("connection", Option.andThen(name, subject), checkConnection)
    const connected = Option.andThen(connection, subject)
    const exchanges = Effect.gen(function*() {
      yield* examine("clock", connected, ({ environment }) => checkClock(environment))
      const token = yield* examine("credentials", connected, checkCredentials)
      yield* examine("api call", Option.zipWith(connected, token, Tuple.make), ([{ environment }, token]) =>
        checkCall(environment, token, call))
    })
    yield* Effect.provide(
      exchanges,
      Option.match(connected, {
        // In this case nothing is sent.
        onNone: () =>
          FetchHttpClient.layer,
        onSome: ({ environment }) =>
          Client.layer(environment.baseUrl)
      })
    )
  })

const words: { readonly [Status in Result["status"]]: keyof Style } = {
  ok: "green",
  warning: "yellow",
  fault: "red",
  skipped: "dim"
}

const margin = 24

const render = (style: Style, columns: number, { advice, name, status, summary }: Result): string => {
  const width = Math.max(columns - margin, 20)
  const lines = [...wrap(summary, width), ...advice === undefined ? [] : wrap(`> ${advice}`, width, 2)]
  return `${style[words[status]](status.padEnd(8))} ${style.bold(name.padEnd(14))} ${
    lines.join(`\n${" ".repeat(margin)}`)
  }`
}

const plural = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`

export const doctor = Command.make(
  "doctor",
  {
    ...Configuration.flags,
    json: toggle("json", "Print one JSON object: ok, and the checks with name, status, summary and advice"),
    call: Flag.String("call").pipe(
      Flag.withMetavar("path"),
      Flag.filter((path) => !hasDotSegment(path), () => `${dotSegmentRefused} Nothing was sent.`),
      Flag.withDescription("The path of the GET to try, if the API user may not list companies"),
      Flag.withDefault("/v2/companies?limit=1")
    )
  },
  Effect.fn(function*(input) {
    const { line, style } = yield* Output
    const columns = yield* Terminal.Terminal.use(({ columns }) => columns)
    const results: Array<Result> = []
    const examine = makeExamine((result) =>
      Effect.andThen(
        Effect.sync(() => results.push(result)),
        input.json ? Effect.void : line(render(style, columns || Infinity, result))
      )
    )
    yield* examineAll(examine, input, input.call).pipe(
      Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" })
    )
    const count = (status: Result["status"]) => results.filter((result) => result.status === status).length
    const [faults, warnings] = [count("fault"), count("warning")]
    yield* line(
      input.json
        ? JSON.stringify({ ok: faults === 0, checks: results }, null, 2)
        : `\n${plural(faults, "fault")}, ${plural(warnings, "warning")}`
    )
    // Everything has been printed.
    if (faults > 0) return yield* new Failure({ message: "", exitCode: exitCode.fault })
  })
).pipe(
  Command.withShortDescription("Check configuration, network and credentials"),
  Command.withDescription(paragraphs(
    "Check configuration, token store, DNS, connection and certificate, clock, credentials, and one call of the API, and",
    "say what to do about each problem. A check is skipped if an earlier check that it needs failed.",
    "",
    "Exit codes: 0 if there is no fault, 1 if there is one. A warning is not a fault."
  )),
  Command.withExamples([
    {
      command: "spotnana-auth doctor --call /v2/users/4f1b",
      description: "Try another call instead of the list of companies"
    },
    {
      command: "spotnana-auth doctor --json | jq '.checks[] | select(.status == \"fault\")'",
      description: "For scripts"
    }
  ])
)
