import { TokenProvider } from "@effect-spotnana/core"
import type { AuthError } from "@effect-spotnana/core"
import { Command, TerminalCapabilities } from "effect/cli"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Terminal from "effect/Terminal"
import { paragraphs, toggle } from "../flag.ts"
import { Output } from "../output.ts"
import * as Session from "../session.ts"
import { frame } from "../watch/frame.ts"
import { toJson, toLine } from "../watch/line.ts"
import { isUnchanged, observations } from "../watch/observe.ts"
import * as Screen from "../watch/screen.ts"

export const watch = Command.make("watch", {
  ...Session.flags,
  json: toggle("json", "Print each change as an object on a line of its own")
}, (input) =>
  Effect.gen(function*() {
    const { canAnimate } = yield* TerminalCapabilities.TerminalCapabilities
    yield* Effect.raceFirst(keepAlive, canAnimate && !input.json ? draw : print(input.json ? toJson : toLine))
  }).pipe(
    Effect.scoped,
    Effect.provide(Layer.merge(Session.layer(input), TerminalCapabilities.layer))
  )).pipe(
    Command.withShortDescription("Watch the state of the token"),
    Command.withDescription(paragraphs(
      "Acquire a token and show its state: when it was issued, when it expires, when it is renewed, what went wrong, and what",
      "to do about that. Ctrl-C ends it.",
      "",
      "It shows the token that `spotnana-auth token` and `request` store for this user, also when another process renews it.",
      "It renews that token for them, so it makes no extra token requests. With --no-store it uses a token of its own, and",
      "makes a token request whenever that token is to be renewed.",
      "",
      "On a terminal it updates one view. Otherwise, and with --json, it prints a line for each change."
    )),
    Command.withExamples([
      { command: "spotnana-auth watch", description: "Show the view" },
      { command: "spotnana-auth watch --json >>token.jsonl", description: "Record all changes" }
    ])
  )

/**
 * Uses the token like an application that calls the API once a second. The core decides how often a token is requested.
 */
const keepAlive: Effect.Effect<never, AuthError.InvalidCredentials, TokenProvider.TokenProvider> = Effect.gen(
  function*() {
    const provider = yield* TokenProvider.TokenProvider
    const used = Effect.andThen(Effect.ignore(provider.get), Effect.sleep("1 second"))
    // If the credentials are refused at the start, they are wrong, and there is nothing to watch. A later refusal may
    // be temporary.
    yield* provider.get.pipe(Effect.catchIf((error) => error._tag !== "InvalidCredentials", () => Effect.void))
    return yield* Effect.forever(used)
  }
)

const draw: Effect.Effect<
  void,
  never,
  TokenProvider.TokenProvider | Output | Terminal.Terminal | Scope.Scope
> = Effect.gen(function*() {
  const provider = yield* TokenProvider.TokenProvider
  const terminal = yield* Terminal.Terminal
  const { style } = yield* Output
  const screen = yield* Screen.make
  const environment = provider.environment.baseUrl
  yield* Stream.runForEach(
    observations(provider),
    (observed) =>
      Effect.flatMap(
        terminal.columns,
        (columns) => screen(frame(observed, { columns: columns === 0 ? 80 : columns, environment, style }))
      )
  )
})

const print = (
  format: typeof toLine
): Effect.Effect<void, never, TokenProvider.TokenProvider | Output> =>
  Effect.gen(function*() {
    const provider = yield* TokenProvider.TokenProvider
    const output = yield* Output
    yield* observations(provider).pipe(
      Stream.changesWith(isUnchanged),
      Stream.runForEach((observed) => output.line(format(observed)))
    )
  })
