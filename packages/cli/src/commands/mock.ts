import { Command, Flag } from "effect/cli"
import * as Effect from "effect/Effect"
import { duration, paragraphs, port, toggle } from "../flag.ts"
import { users } from "../mock/users.ts"

/** Loaded when it is wanted: the other commands need no server. */
const load = Effect.promise(() => import("../mock/serve.ts"))

export const mock = Command.make("mock", {
  port: port(4801).pipe(Flag.withDescription("Listen on this port of 127.0.0.1; 0 is any that is free. Default: 4801")),
  clientId: Flag.String("client-id").pipe(
    Flag.withMetavar("id"),
    Flag.optional,
    Flag.withDescription("The API user that it knows. Default: SPOTNANA_CLIENT_ID, or mock-client")
  ),
  user: Flag.String("user").pipe(
    Flag.withMetavar("user"),
    Flag.atLeast(0),
    Flag.withDescription(
      "A user by id or email: /v2/users/{user} knows it, and the token exchange takes it as that user's token. May be " +
        `repeated. Default: ${users.join(", ")}`
    )
  ),
  writeCredentials: Flag.File("write-credentials").pipe(
    Flag.optional,
    Flag.withDescription("Write what leads to it into this file, for this user alone and until it ends")
  ),
  tokenLifetime: duration("token-lifetime").pipe(
    Flag.optional,
    Flag.withDescription("How long a token lives. Default: 1h")
  ),
  tokenLatency: duration("token-latency").pipe(
    Flag.optional,
    Flag.withDescription("Hold each answer of the token endpoint back for so long")
  ),
  apiLatency: duration("api-latency").pipe(
    Flag.optional,
    Flag.withDescription("Hold each answer of the API back for so long")
  ),
  expiresIn: Flag.String("expires-in").pipe(
    Flag.withMetavar("json"),
    Flag.optional,
    Flag.withDescription("What the token answer says of expires_in, whatever is true: any JSON, or absent")
  ),
  refusal: Flag.Literals("refusal", [
    "400-oauth2",
    "401-oauth2",
    "403-oauth2",
    "400-spotnana",
    "401-spotnana",
    "403-spotnana"
  ]).pipe(
    Flag.withDefault("401-oauth2"),
    Flag.withDescription("How wrong credentials are answered: with which status, and in whose words")
  ),
  fault: Flag.String("fault").pipe(
    Flag.withMetavar("fault"),
    Flag.atLeast(0),
    Flag.withDescription("What goes wrong; see above. May be repeated")
  ),
  revokeEvery: duration("revoke-every").pipe(
    Flag.optional,
    Flag.withDescription("Revoke every token that was issued, again and again at this interval")
  ),
  quiet: toggle("quiet", "Do not print the requests").pipe(Flag.withAlias("q"))
}, (input) => Effect.flatMap(load, ({ serve }) => serve(input))).pipe(
  Command.withShortDescription("Play Spotnana on a port of this machine"),
  Command.withDescription(paragraphs(
    "Play Spotnana on a port of this machine, to try a program out: a token endpoint and a few paths of the API, with faults",
    "on demand. It prints its paths at the start, and a line on stderr for each request.",
    "",
    "It knows one API user. The client secret is SPOTNANA_CLIENT_SECRET where that is set, and is shown nowhere. Else one is",
    "made up that opens this mock and nothing else: it is on the terminal, or in the file of --write-credentials.",
    "",
    "A fault is (token|api):(200-599|hang|drop|cut|garbage|empty|html), and after that, with commas, times=<n> or",
    "times=always, and with a status retry-after=<seconds>. Faults of one endpoint happen one after the other, as named."
  )),
  Command.withExamples([
    { command: "spotnana-auth mock", description: "Print the lines to paste into another terminal" },
    {
      command: "spotnana-auth mock --user 4f1b --user 4f1c",
      description: "Know two users, for GET /v2/users/4f1b and /v2/users/4f1c"
    },
    {
      command: "spotnana-auth mock --write-credentials mock.env",
      description: "Leave them in a file, for --credentials-file"
    },
    {
      command: "spotnana-auth mock --fault token:503,times=3,retry-after=2 --fault api:401",
      description: "An outage of the token endpoint, and one call that is refused"
    },
    {
      command: "spotnana-auth mock --token-lifetime 30s --revoke-every 45s",
      description: "Tokens that do not last"
    }
  ])
)
