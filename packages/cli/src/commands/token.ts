import { TokenExchange, TokenProvider } from "@effect-spotnana/core"
import type { AccessToken } from "@effect-spotnana/core"
import { Command, Flag } from "effect/cli"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { usageFailure } from "../exitCode.ts"
import { paragraphs, toggle } from "../flag.ts"
import { Output } from "../output.ts"
import * as Session from "../session.ts"
import * as UserSession from "../userSession.ts"

export const token = Command.make("token", {
  ...Session.flags,
  ...UserSession.flags,
  json: toggle(
    "json",
    "Print an object: access_token, token_type, expires_in, expires_at; of a user refresh_token too"
  ),
  print: toggle("print", "Print it to a terminal too, where it stays in the scrollback"),
  minLifetime: Flag.Int("min-lifetime").pipe(
    Flag.withMetavar("seconds"),
    Flag.filter(
      (seconds) => seconds >= 0 && seconds <= 86_400,
      () => "Expected 0 to 86400 seconds"
    ),
    Flag.withDefault(60),
    Flag.withDescription("Renew a token that expires earlier than that. Default: 60")
  )
}, (input) =>
  Effect.gen(function*() {
    const output = yield* Output
    if (output.isTerminal && !input.print) {
      return yield* usageFailure(
        "This would print an access token, which is as good as a password while it lives, and stdout is a terminal.\n" +
          "To see it here, add --print. To use it, pipe it; or let `spotnana-auth request` make the request."
      )
    }
    const subject = yield* UserSession.read(input)
    yield* Option.match(subject, {
      onNone: () =>
        TokenProvider.TokenProvider.use(({ get }) => Effect.flatMap(get, print(input))).pipe(
          Effect.provide(Session.layerBrief(input, { minimum: Duration.seconds(input.minLifetime) }))
        ),
      onSome: (subject) =>
        TokenExchange.UserTokenProvider.use(({ get }) => Effect.flatMap(get, print(input))).pipe(
          Effect.provide(UserSession.layerBrief(input, subject))
        )
    })
  })).pipe(
    Command.withShortDescription("Print a valid access token"),
    Command.withDescription(paragraphs(
      "Print a valid access token: that of an earlier run while it lives, or a new one.",
      "",
      "Tokens are kept for this user alone, encrypted, in the directory that `spotnana-auth doctor` names. Runs that start",
      "together make one token request. To a terminal no token is printed without --print.",
      "",
      "With --subject-token-file it is the token of a user: the user's own token, or one that you signed, is exchanged for it",
      "(RFC 8693) at each run, and nothing is kept. Exit code 8: the user's token was refused.",
      "",
      "A token on a command line can be read by whoever lists the processes. The first example keeps it off there."
    )),
    Command.withExamples([
      {
        command:
          `printf 'header = "Authorization: Bearer %s"' "$(spotnana-auth token)" | curl --config - https://api.spotnana.com/v2/companies`,
        description: "Hand a token to curl (or let `spotnana-auth request` make the request)"
      },
      {
        command: "spotnana-auth token --json --min-lifetime 600",
        description: "A token that lives for ten minutes at least, and when it expires"
      },
      {
        command: "spotnana-auth token --credentials-file ~/sandbox.env --no-store",
        description: "Credentials of a file, and nothing kept"
      },
      {
        command: "spotnana-auth token --subject-token-file ada.jwt --subject-token-type jwt --json",
        description: "A token of a user, and the refresh token that came with it"
      }
    ])
  )

const print =
  ({ json, minLifetime }: { readonly json: boolean; readonly minLifetime: number }) =>
  (token: AccessToken.AccessToken & { readonly refreshToken?: Redacted.Redacted | undefined }) =>
    Effect.gen(function*() {
      const output = yield* Output
      const value = Redacted.value(token.value)
      const seconds = Math.floor(Duration.toSeconds(yield* Session.timeLeft(token)))
      const { expiresAt, refreshToken, scope } = token
      // One that is all but new will do: see `Session.layerBrief`.
      if (seconds < 0.98 * minLifetime - 1) {
        yield* output.warn(
          `The token lives for ${seconds} seconds only, and not for the ${minLifetime} that --min-lifetime asks for.`
        )
      }
      yield* output.line(
        json
          ? JSON.stringify({
            access_token: value,
            token_type: "Bearer",
            expires_in: seconds,
            expires_at: DateTime.formatIso(expiresAt),
            ...(scope === undefined ? undefined : { scope }),
            ...(refreshToken === undefined ? undefined : { refresh_token: Redacted.value(refreshToken) })
          })
          : value
      )
    })
