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
  print: toggle("print", "Print the token also on a terminal, whose scrollback keeps it"),
  minLifetime: Flag.Int("min-lifetime").pipe(
    Flag.withMetavar("seconds"),
    Flag.filter(
      (seconds) => seconds >= 0 && seconds <= 86_400,
      () => "Expected 0 to 86400 seconds"
    ),
    Flag.withDefault(60),
    Flag.withDescription("Renew a token that expires in less than this many seconds. Default: 60")
  )
}, (input) =>
  Effect.gen(function*() {
    const output = yield* Output
    if (output.isTerminal && !input.print) {
      return yield* usageFailure(
        "This would print an access token to the terminal. While it is valid, it is as secret as a password.\n" +
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
      "Print a valid access token: the token of an earlier run while it is valid, or a new one.",
      "",
      "Tokens are stored encrypted, readable by this user only, in the directory that `spotnana-auth doctor` names. Runs that",
      "start together make one token request. On a terminal a token is printed only with --print.",
      "",
      "With --subject-token-file, print an access token for a user. Each run exchanges the user's own token, or a token that",
      "you signed, for it (RFC 8693), and stores nothing. A file .env must not have the address to which the user's token is",
      "sent: name that file with --credentials-file. Exit code 8: the user's token was refused.",
      "",
      "Every user of this machine can read the arguments of a command. The first example passes the token to curl on stdin",
      "instead."
    )),
    Command.withExamples([
      {
        command:
          `printf 'header = "Authorization: Bearer %s"' "$(spotnana-auth token)" | curl --config - https://api.spotnana.com/v2/companies`,
        description: "Pass a token to curl (or let `spotnana-auth request` make the request)"
      },
      {
        command: "spotnana-auth token --json --min-lifetime 600",
        description: "A token that is valid for at least ten minutes, and its expiry"
      },
      {
        command: "spotnana-auth token --credentials-file ~/sandbox.env --no-store",
        description: "Credentials from a file; store nothing"
      },
      {
        command: "spotnana-auth token --subject-token-file ada.jwt --subject-token-type jwt --json",
        description: "A user's token and refresh token"
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
      // A token that is almost new is enough: see `Session.layerBrief`.
      if (seconds < 0.98 * minLifetime - 1) {
        yield* output.warn(
          `The token is valid for only ${seconds} seconds, and not for the ${minLifetime} that --min-lifetime requires.`
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
