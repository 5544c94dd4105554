import { ApiUsers } from "@effect-spotnana/core"
import { Argument, Command, Flag } from "effect/cli"
import * as Effect from "effect/Effect"
import { FetchHttpClient } from "effect/http"
import * as Layer from "effect/Layer"
import { assertPlace, create } from "../apiUsers/create.ts"
import { list } from "../apiUsers/list.ts"
import { revoke } from "../apiUsers/revoke.ts"
import { paragraphs, toggle } from "../flag.ts"
import * as Session from "../session.ts"

/** Runs it as the API user of the configuration. What creates or deletes is not sent along with a redirect. */
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
  Command.withDescription("Print the client id of every active API user of the TMC, one a line.")
)

const createCommand = Command.make("create", {
  ...Session.flags,
  role: Flag.Literals("role", ["TMC_ADMIN", "COMPANY_ADMIN"]).pipe(
    Flag.optional,
    Flag.withDescription("What the user may do. Default: TMC_ADMIN")
  ),
  tmcId: Flag.String("tmc-id").pipe(
    Flag.withMetavar("id"),
    Flag.optional,
    Flag.withDescription("The travel management company that it belongs to")
  ),
  orgId: Flag.String("org-id").pipe(
    Flag.withMetavar("id"),
    Flag.optional,
    Flag.withDescription("The organization that it belongs to")
  ),
  scim: toggle("scim", "An API user for SCIM, with a token in place of a secret"),
  writeFile: Flag.Path("write-file").pipe(
    Flag.withMetavar("file"),
    Flag.optional,
    Flag.withDescription("Write id and secret into this new file, mode 0600, and print the id alone")
  ),
  json: toggle("json", "Print an object: clientId, and clientSecret or scimToken unless they are in a file"),
  print: toggle("print", "Print the secret to a terminal too, where it stays in the scrollback")
}, (input) => Effect.andThen(assertPlace(input), create(input).pipe(asAdministrator(input)))).pipe(
  Command.withShortDescription("Create an API user"),
  Command.withDescription(paragraphs(
    "Create an API user. A TMC has five at most, unless Spotnana allows more.",
    "",
    "Its secret, or SCIM token, is shown once: it goes into the file that --write-file names, as lines that",
    "--credentials-file takes, or to stdout. To a terminal it is not printed without --print. The file is made before",
    "the user is created. Where it cannot be written in the end, the new user is revoked again."
  )),
  Command.withExamples([
    {
      command:
        "spotnana-auth api-users create --write-file next.env && spotnana-auth doctor --credentials-file next.env",
      description: "A second API user, and whether it works"
    },
    {
      command: "spotnana-auth api-users create --json | vault kv put secret/spotnana -",
      description: "Hand it to a vault"
    }
  ])
)

const revokeCommand = Command.make("revoke", {
  clientId: Argument.String("client-id").pipe(Argument.withDescription("The API user")),
  ...Session.flags,
  own: toggle("own", "Also if it is the API user of this command itself"),
  json: toggle("json", "Print an object: clientId, revoked")
}, (input) => revoke(input).pipe(asAdministrator(input))).pipe(
  Command.withShortDescription("Revoke an API user"),
  Command.withDescription(paragraphs(
    "Delete an API user for ever. Its secret, or SCIM token, and every access token of it die at once."
  ))
)

export const apiUsers = Command.make("api-users").pipe(
  Command.withShortDescription("List, create and revoke API users"),
  Command.withDescription(paragraphs(
    "List, create and revoke API users. The credentials are those of a TMC administrator: nobody else may.",
    "",
    "Exit codes: 4 and 5 if Spotnana answers with an error, 6 if the credentials or the token were refused, 7 if there was no",
    "usable answer, 2 for a mistake in the command line or the configuration."
  )),
  Command.withSubcommands([listCommand, createCommand, revokeCommand])
)
