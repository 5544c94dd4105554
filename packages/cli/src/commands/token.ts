import { TokenProvider } from "@effect-spotnana/core"
import { Command, Flag } from "effect/cli"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { Output } from "../output.ts"
import * as Session from "../session.ts"

export const token = Command.make("token", {
  ...Session.flags,
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print the token and when it expires, as JSON"))
}, (input) =>
  Effect.gen(function*() {
    const output = yield* Output
    const provider = yield* TokenProvider.TokenProvider
    const { expiresAt, value } = yield* provider.get
    yield* output.line(
      input.json
        ? JSON.stringify({ access_token: Redacted.value(value), expires_at: DateTime.formatIso(expiresAt) })
        : Redacted.value(value)
    )
  }).pipe(Effect.provide(Session.layer(input)))).pipe(
    Command.withDescription("Print a valid access token")
  )
