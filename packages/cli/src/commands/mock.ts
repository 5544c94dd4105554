import { Command, Flag } from "effect/cli"
import * as Effect from "effect/Effect"
import { duration, paragraphs, port, toggle } from "../flag.ts"
import { users } from "../mock/users.ts"

/** Loaded only if it is needed: the other commands need no server. */
const load = Effect.promise(() => import("../mock/serve.ts"))

export const mock = Command.make("mock", {
  port: port(4801).pipe(Flag.withDescription("Listen on this port of 127.0.0.1; 0 chooses a free one. Default: 4801")),
  clientId: Flag.String("client-id").pipe(
    Flag.withMetavar("id"),
    Flag.optional,
    Flag.withDescription("The client id of its API user. Default: SPOTNANA_CLIENT_ID, or mock-client")
  ),
  user: Flag.String("user").pipe(
    Flag.withMetavar("user"),
    Flag.atLeast(0),
    Flag.withDescription(
      "A user by id or email. /v2/users/{user} answers, and the token exchange accepts the id as the user's token. May be " +
        `repeated. Default: ${users.join(", ")}`
    )
  ),
  writeCredentials: Flag.File("write-credentials").pipe(
    Flag.optional,
    Flag.withDescription(
      "Write address and credentials into this file, readable by this user only, and remove it at the end"
    )
  ),
  tokenLifetime: duration("token-lifetime").pipe(
    Flag.optional,
    Flag.withDescription("How long a token is valid. Default: 1h")
  ),
  tokenLatency: duration("token-latency").pipe(
    Flag.optional,
    Flag.withDescription("Delay each answer of the token endpoint by this time")
  ),
  apiLatency: duration("api-latency").pipe(
    Flag.optional,
    Flag.withDescription("Delay each answer of the API by this time")
  ),
  expiresIn: Flag.String("expires-in").pipe(
    Flag.withMetavar("json"),
    Flag.optional,
    Flag.withDescription("The expires_in of token answers, whatever the real lifetime is: any JSON, or absent")
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
    Flag.withDescription("Status and format of the answer to wrong credentials")
  ),
  fault: Flag.String("fault").pipe(
    Flag.withMetavar("fault"),
    Flag.atLeast(0),
    Flag.withDescription("A fault; see above. May be repeated")
  ),
  revokeEvery: duration("revoke-every", 1).pipe(
    Flag.optional,
    Flag.withDescription("Revoke all issued tokens at this interval")
  ),
  quiet: toggle("quiet", "Do not print the requests").pipe(Flag.withAlias("q"))
}, (input) => Effect.flatMap(load, ({ serve }) => serve(input))).pipe(
  Command.withShortDescription("Run a mock of Spotnana on this machine"),
  Command.withDescription(paragraphs(
    "Run a mock of Spotnana on this machine to try out a program: a token endpoint and some paths of the API, with faults",
    "on demand. It prints its paths at the start, and a line on stderr for each request.",
    "",
    "It has one API user. If SPOTNANA_CLIENT_SECRET is set, that is the client secret, and it is not printed. Otherwise the",
    "mock makes a secret that works with this mock only, and prints it on the terminal or writes it into the file of",
    "--write-credentials.",
    "",
    "A fault is (token|api):(200-599|hang|drop|cut|garbage|empty|html). Options follow after commas: times=<n> or",
    "times=always, and, for a status, retry-after=<seconds>. Faults of one endpoint happen one after the other, in the",
    "given order."
  )),
  Command.withExamples([
    { command: "spotnana-auth mock", description: "Print variables to paste into another terminal" },
    {
      command: "spotnana-auth mock --user 4f1b --user 4f1c",
      description: "Add two users, for GET /v2/users/4f1b and /v2/users/4f1c"
    },
    {
      command: "spotnana-auth mock --write-credentials mock.env",
      description: "Write the variables into a file, for --credentials-file"
    },
    {
      command: "spotnana-auth mock --fault token:503,times=3,retry-after=2 --fault api:401",
      description: "An outage of the token endpoint, and one 401 of the API"
    },
    {
      command: "spotnana-auth mock --token-lifetime 30s --revoke-every 45s",
      description: "Tokens that expire soon and are revoked"
    }
  ])
)
