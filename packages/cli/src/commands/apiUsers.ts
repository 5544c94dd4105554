import { ApiUsers } from "@effect-spotnana/core"
import { Argument, Command, Flag } from "effect/cli"
import * as Effect from "effect/Effect"
import { FetchHttpClient } from "effect/http"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { assertPlace, create } from "../apiUsers/create.ts"
import { list } from "../apiUsers/list.ts"
import { revoke } from "../apiUsers/revoke.ts"
import { resume } from "../apiUsers/rotation/resume.ts"
import { rotate } from "../apiUsers/rotation/rotate.ts"
import type { Input as RotateInput } from "../apiUsers/rotation/rotate.ts"
import { usageFailure } from "../exitCode.ts"
import { duration, paragraphs, toggle } from "../flag.ts"
import * as Session from "../session.ts"

/** Runs it as the API user of the configuration. Requests do not follow redirects, because they create or delete. */
const asAdministrator = (input: Session.Input) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(
    Effect.provide(Layer.provideMerge(ApiUsers.layer, Session.layerBrief(input))),
    Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" })
  )

const listCommand = Command.make(
  "list",
  { ...Session.flags, json: toggle("json", "Print an object: apiUsers, with clientId and isOwn") },
  (input) => list(input.json).pipe(asAdministrator(input))
).pipe(
  Command.withShortDescription("List the API users"),
  Command.withDescription("Print the client id of every active API user of the TMC, one per line.")
)

/** The TMC and the organization of a new API user. */
const owner = {
  tmcId: Flag.String("tmc-id").pipe(
    Flag.withMetavar("id"),
    Flag.optional,
    Flag.withDescription("The travel management company that it belongs to")
  ),
  orgId: Flag.String("org-id").pipe(
    Flag.withMetavar("id"),
    Flag.optional,
    Flag.withDescription("The organization that it belongs to")
  )
}

const createCommand = Command.make("create", {
  ...Session.flags,
  role: Flag.Literals("role", ["TMC_ADMIN", "COMPANY_ADMIN"]).pipe(
    Flag.optional,
    Flag.withDescription("What the user may do. Default: TMC_ADMIN")
  ),
  ...owner,
  scim: toggle("scim", "Create an API user for SCIM, with a token instead of a secret"),
  writeFile: Flag.Path("write-file").pipe(
    Flag.withMetavar("file"),
    Flag.optional,
    Flag.withDescription("Write id, secret and address into this new file, mode 0600, and print only the id")
  ),
  json: toggle("json", "Print an object: clientId, and clientSecret or scimToken unless they are in a file"),
  print: toggle("print", "Print the secret also on a terminal, whose scrollback keeps it")
}, (input) => Effect.andThen(assertPlace(input), create(input).pipe(asAdministrator(input)))).pipe(
  Command.withShortDescription("Create an API user"),
  Command.withDescription(paragraphs(
    "Create an API user. A TMC has five at most, unless Spotnana allows more.",
    "",
    "Its secret, or SCIM token, is shown only once. It goes into the file that --write-file names, in the format that",
    "--credentials-file reads, or to stdout. On a terminal it is printed only with --print. The file is made before the",
    "user is created. If the secret cannot be written, the new user is revoked."
  )),
  Command.withExamples([
    {
      command:
        "spotnana-auth api-users create --write-file next.env && spotnana-auth doctor --credentials-file next.env",
      description: "Create a second API user, and check that it works"
    },
    {
      command: "spotnana-auth api-users create --json | vault kv put secret/spotnana -",
      description: "Create an API user, and pass its secret to a vault"
    }
  ])
)

const revokeCommand = Command.make("revoke", {
  clientId: Argument.String("client-id").pipe(Argument.withDescription("The API user")),
  ...Session.flags,
  own: toggle("own", "Revoke also the API user of this command itself"),
  json: toggle("json", "Print an object: clientId, revoked")
}, (input) => revoke(input).pipe(asAdministrator(input))).pipe(
  Command.withShortDescription("Revoke an API user"),
  Command.withDescription(paragraphs(
    "Delete an API user for ever. Its secret, or SCIM token, and all its access tokens are invalid at once."
  ))
)

/** Either it begins a rotation, with one place for the new secret, or it continues one. */
const assertOneTarget = (input: RotateInput & { readonly resume: boolean }) => {
  const targets = [input.switchCommand, input.writeFile].filter(Option.isSome).length
  if (input.resume) {
    return targets === 0
      ? Effect.void
      : usageFailure("--resume goes on with what was begun: leave out --switch-command and --write-file.")
  }
  return targets === 1
    ? Effect.void
    : usageFailure("Say where the new secret goes: either --switch-command or --write-file.")
}

const rotateCommand = Command.make("rotate", {
  ...Session.flags,
  switchCommand: Flag.String("switch-command").pipe(
    Flag.withMetavar("command"),
    Flag.optional,
    Flag.withDescription("Run this command in a shell to store the new credentials, which are in its environment")
  ),
  writeFile: Flag.Path("write-file").pipe(
    Flag.withMetavar("file"),
    Flag.optional,
    Flag.withDescription("Write id and secret into this file of variables, mode 0600, and keep its other lines")
  ),
  resume: toggle("resume", "Continue a rotation that did not complete"),
  drain: duration("drain").pipe(
    Flag.optional,
    Flag.withDescription("How long the old user stays. Default: a token's lifetime and 5m")
  ),
  ...owner,
  json: toggle("json", "Print an object: clientId, the new user, and revoked, the old one")
}, (input) =>
  Effect.andThen(
    assertOneTarget(input),
    (input.resume ? resume(input) : rotate(input)).pipe(asAdministrator(input))
  )).pipe(
    Command.withShortDescription("Replace the API user of this command by a new one"),
    Command.withDescription(paragraphs(
      "Replace the API user of this command by a new one, without a refused request. The command creates and tries the new",
      "user, stores its secret, waits until every token of the old user has expired, and revokes the old user. By default,",
      "that takes an hour and 5 minutes.",
      "",
      "The switch command has the new credentials in SPOTNANA_NEW_CLIENT_ID and SPOTNANA_NEW_CLIENT_SECRET, never in its",
      "arguments. It must end after it has stored them. If its exit code is not 0, the new user is revoked. Its output",
      "goes to stderr, without words that contain the secret or 8 of its characters in a row.",
      "",
      "Ctrl-C before the switch revokes the new user. After the switch both users stay, and the command names them. If the",
      "process is killed, a record without a secret stays below spotnana-auth/rotations in the state directory. The next run",
      "says which API users there are and what to do, and --resume does it.",
      "",
      "Exit codes: 1 if the switch command failed, or if --resume found that nothing was changed; 2 if an earlier rotation is",
      "not complete; otherwise those of api-users."
    )),
    Command.withExamples([
      {
        command: "spotnana-auth api-users rotate --credentials-file app.env --write-file app.env",
        description: "Replace the credentials in a file that the application reads"
      },
      {
        command:
          `spotnana-auth api-users rotate --switch-command 'printf %s "$SPOTNANA_NEW_CLIENT_SECRET" | vault kv put secret/spotnana id="$SPOTNANA_NEW_CLIENT_ID" secret=-'`,
        description: "Store the new credentials in a vault"
      },
      { command: "spotnana-auth api-users rotate --resume", description: "Continue after a restart" }
    ])
  )

export const apiUsers = Command.make("api-users").pipe(
  Command.withShortDescription("List, create, rotate and revoke API users"),
  Command.withDescription(paragraphs(
    "List, create, rotate and revoke API users. This needs the credentials of a TMC administrator.",
    "",
    "Exit codes: 4 and 5 if Spotnana answers with an error, 6 if the credentials or the token were refused, 7 if there was",
    "no usable answer, 2 for an error in the command line or the configuration."
  )),
  Command.withSubcommands([listCommand, createCommand, rotateCommand, revokeCommand])
)
