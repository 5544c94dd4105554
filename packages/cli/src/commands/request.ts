import { SpotnanaHttpClient, TokenExchange } from "@effect-spotnana/core"
import type { Environment } from "@effect-spotnana/core"
import * as Url from "@effect-spotnana/engine/Url"
import { Argument, Command, Flag } from "effect/cli"
import type { CliError } from "effect/cli"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { FetchHttpClient, HttpBody, HttpClientRequest } from "effect/http"
import type { HttpClient } from "effect/http"
import * as Option from "effect/Option"
import { dotSegmentRefused } from "../dotSegment.ts"
import { usageFailure } from "../exitCode.ts"
import type { Failure } from "../exitCode.ts"
import { paragraphs, toggle } from "../flag.ts"
import { maxTime, within } from "../maxTime.ts"
import { quoted } from "../quoted.ts"
import { printAnswer } from "../request/answer.ts"
import { readData } from "../request/body.ts"
import { combined, parseHeader } from "../request/headers.ts"
import * as Session from "../session.ts"
import * as UserSession from "../userSession.ts"

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] as const
type Method = typeof methods[number]

/** What is wrong with the method, in place of Effect's list of every word that is taken. */
export const methodProblem = (error: CliError.CliError): string | undefined => {
  if (error._tag !== "InvalidValue" || error.kind !== "argument" || error.option !== "method") return undefined
  const { value } = error
  return /^\/|^https?:/i.test(value)
    ? `The method is missing: spotnana-auth request GET ${/[^\w/:.~-]/.test(value) ? quoted(value) : value}`
    : `There is no method ${JSON.stringify(value)}. Expected one of ${methods.join(", ")}`
}

export const request = Command.make(
  "request",
  {
    method: Argument.ChoiceWithValue(
      "method",
      [...methods, ...methods.map((method) => method.toLowerCase())].map((word) => [word, word.toUpperCase() as Method])
    ).pipe(
      Argument.withMetavar("method"),
      Argument.withDescription(`The HTTP method: ${methods.join(", ")}; lower case works too`)
    ),
    path: Argument.String("path").pipe(
      Argument.withDescription("The path, such as /v2/companies?limit=10, or a URL of the same API")
    ),
    ...Session.flags,
    ...UserSession.flags,
    data: Flag.String("data").pipe(
      Flag.withAlias("d"),
      Flag.withMetavar("text|@file|-"),
      Flag.withDescription("The body: this text, the bytes of a file (@file), or stdin (-)"),
      Flag.optional
    ),
    header: Flag.String("header").pipe(
      Flag.withAlias("H"),
      Flag.withMetavar("name:value"),
      Flag.withDescription(
        "A header; may be repeated. With --data, the default of Content-Type is application/json"
      ),
      Flag.atLeast(0)
    ),
    include: toggle("include", "Print status and headers before the body").pipe(Flag.withAlias("i")),
    maxTime
  },
  Effect.fn(function*(input) {
    const headers = yield* Effect.forEach(input.header, (text) =>
      Effect.mapError(
        Effect.fromResult(parseHeader(text)),
        (problem) => usageFailure(`--header cannot be used: ${problem}`)
      ))
    const message = HttpClientRequest.make(input.method)(input.path)
    const body = yield* bodyOf(input)
    const subject = yield* UserSession.read(input)
    const complete = HttpClientRequest.setHeaders(
      Option.match(body, { onNone: () => message, onSome: (body) => HttpClientRequest.setBody(message, body) }),
      combined(headers)
    )
    const exchange = <E>(client: HttpClient.HttpClient.With<E>) =>
      Effect.gen(function*() {
        const start = yield* Clock.monotonicTimeNanos
        const response = yield* client.execute(complete)
        const took = Duration.nanos((yield* Clock.monotonicTimeNanos) - start)
        yield* printAnswer(response, { include: input.include, took })
      })
    const brief = { assert: assertAtHome(input.path) }
    yield* Option.match(subject, {
      onNone: () =>
        SpotnanaHttpClient.SpotnanaHttpClient.use(exchange).pipe(Effect.provide(Session.layerBrief(input, brief))),
      onSome: (subject) =>
        TokenExchange.UserHttpClient.use(exchange).pipe(
          Effect.provide(UserSession.layerBrief(input, subject, brief))
        )
    }).pipe(
      // A redirect is printed like any other answer.
      Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
      within(input.maxTime)
    )
  })
).pipe(
  Command.withShortDescription("Make an authenticated request"),
  Command.withDescription(paragraphs(
    "Make an authenticated request. The body of the answer goes to stdout: indented on a terminal, and otherwise unchanged.",
    "The status and Spotnana's error text go to stderr. Redirects are printed, not followed.",
    "",
    "The token is sent to the configured address only. After a 401 the request is repeated once with a new token.",
    "",
    "With --subject-token-file, make the request for the user whose token is in the file, by token exchange (RFC 8693). A",
    "file .env must not have the address to which the user's token is sent: name that file with --credentials-file.",
    "",
    "Exit codes: 0 for 2xx, 3 for 3xx, 4 for 4xx, 5 for 5xx, 6 if the credentials or the token were refused, 7 if there was",
    "no usable answer, 8 if the user's token was refused, 2 for an error in the command line or the configuration."
  )),
  Command.withExamples([
    { command: "spotnana-auth request GET '/v2/companies?limit=5' | jq .elements", description: "List companies" },
    { command: "spotnana-auth request POST /v2/trips --data @trip.json", description: "Send a file" },
    {
      command: "jq .trip trip.json | spotnana-auth request PUT /v2/trips/42 --data - --header 'X-Trace: 7'",
      description: "Send the body from stdin, with a header"
    }
  ])
)

const bodyOf = (
  input: UserSession.Input & { readonly method: Method; readonly data: Option.Option<string> }
) =>
  Effect.gen(function*() {
    if (Option.isNone(input.data)) return Option.none()
    if (input.data.value.replace("@", "") === "-" && Option.contains(input.subjectTokenFile, "-")) {
      return yield* usageFailure("stdin has either the body or the user's token: name a file for one of them.")
    }
    if (input.method === "GET" || input.method === "HEAD") {
      return yield* usageFailure(`${input.method} has no body: leave out --data, or use another method`)
    }
    return Option.some(HttpBody.uint8Array(yield* readData(input.data.value), "application/json"))
  })

/** The core sends no token to another origin. Here, a request for another origin is a mistake, and nothing is sent. */
const assertAtHome = (path: string) => ({ baseUrl }: Environment.Environment): Effect.Effect<void, Failure> => {
  const refuse = (problem: string) => Effect.fail(usageFailure(`${problem} Nothing was sent.`))
  if (Url.hasDotSegment(path)) return refuse(dotSegmentRefused)
  if (!/^[a-z][a-z0-9+.-]*:/i.test(path)) return Effect.void
  const url = URL.canParse(path) ? new URL(path) : undefined
  if (url !== undefined && url.username + url.password !== "") {
    return refuse("The URL contains a user name or a password, which must not be there.")
  }
  return url !== undefined && isBelow(baseUrl, url.href)
    ? Effect.void
    : refuse(`${path} is not at ${baseUrl}, the address that the credentials are for.`)
}

const isBelow = (baseUrl: string, href: string): boolean =>
  href.startsWith(baseUrl) && /^(?:$|[/?#])/.test(href.slice(baseUrl.length))
