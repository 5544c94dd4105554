import { Argument, Command, Flag } from "effect/cli"
import * as Effect from "effect/Effect"
import * as Configuration from "../configuration.ts"
import { duration, inputFile, inputFileArgument, paragraphs, toggle } from "../flag.ts"
import { maxTime } from "../maxTime.ts"
import { verify } from "../webhook/verify.ts"

/** Loaded only if it is needed: the other commands send no webhooks. */
const load = Effect.promise(() => import("../webhook/send.ts"))

const verifyCommand = Command.make("verify", {
  file: inputFileArgument("file").pipe(
    Argument.withDefault("-"),
    Argument.withDescription("The body, byte for byte as it was received. Default: stdin")
  ),
  ...Configuration.flags,
  header: Flag.String("header").pipe(
    Flag.withAlias("H"),
    Flag.withMetavar("name:value"),
    Flag.withDescription("A header of the delivery; may be repeated"),
    Flag.atLeast(0)
  ),
  headersFile: inputFile("headers-file").pipe(
    Flag.optional,
    Flag.withDescription("The headers of the delivery, one per line. - is stdin")
  ),
  tolerance: duration("tolerance").pipe(
    Flag.optional,
    Flag.withDescription("How far the timestamp may be from now. Default: 5m")
  ),
  json: toggle("json", "Print an object: ok, and id and timestamp, or problem, message and advice")
}, (input) => Effect.provide(verify(input), Configuration.layer(input))).pipe(
  Command.withShortDescription("Say whether a delivery was signed by Spotnana"),
  Command.withDescription(paragraphs(
    "Say whether a webhook delivery was signed with one of the secrets, and otherwise what is wrong: a missing header, a",
    "timestamp too far from now, or a signature that does not match.",
    "",
    "Exit codes: 0 if it was signed, 1 if not, 2 for an error in the command line or the configuration."
  )),
  Command.withExamples([
    {
      command: "spotnana-auth webhook verify body.json --headers-file headers.txt --tolerance 24h",
      description: "Verify a delivery that was recorded yesterday"
    }
  ])
)

const count = (name: string, least: number) =>
  Flag.Int(name).pipe(
    Flag.withMetavar("number"),
    Flag.filter((number) => number >= least && number <= 100, () => `Expected ${least} to 100`),
    Flag.withDefault(least)
  )

const sendCommand = Command.make("send", {
  url: Argument.String("url").pipe(Argument.withDescription("The endpoint, http://127.0.0.1:3000/webhooks/spotnana")),
  ...Configuration.flags,
  data: Flag.String("data").pipe(
    Flag.withAlias("d"),
    Flag.withMetavar("text|@file|-"),
    Flag.withDefault("{\"type\":\"test\"}"),
    Flag.withDescription("The body: this text, the bytes of a file (@file), or stdin (-). Default: {\"type\":\"test\"}")
  ),
  id: Flag.String("id").pipe(
    Flag.withMetavar("id"),
    Flag.filter((id) => /^[\x21-\x7e]+$/.test(id), () => "Expected printable ASCII without spaces"),
    Flag.optional,
    Flag.withDescription("The id of the delivery. Default: a random one")
  ),
  wrong: Flag.Literals("wrong", ["signature", "body"]).pipe(
    Flag.optional,
    Flag.withDescription("Send a wrong signature, or change the body after it was signed")
  ),
  age: duration("age").pipe(Flag.optional, Flag.withDescription("Sign with a timestamp this long ago. Default: now")),
  ahead: duration("ahead").pipe(
    Flag.optional,
    Flag.withDescription("Sign with a timestamp this far in the future. Default: now")
  ),
  attempts: count("attempts", 1).pipe(
    Flag.withDescription("Send it until it is accepted, at most this many times, once a second. Default: 1")
  ),
  duplicates: count("duplicates", 0).pipe(
    Flag.withDescription("Send it this many more times after it was accepted. Default: 0")
  ),
  maxTime: maxTime.pipe(Flag.withDescription("Fail after this number of seconds")),
  json: toggle("json", "Print an object: id, and statuses, the status of each attempt")
}, (input) => Effect.provide(Effect.flatMap(load, ({ send }) => send(input)), Configuration.layer(input))).pipe(
  Command.withShortDescription("Send a signed delivery to your endpoint"),
  Command.withDescription(paragraphs(
    "Send a delivery to your endpoint, signed with each of the secrets, as Spotnana signs it. Each attempt prints a line",
    "with the status of the answer. Redirects are not followed.",
    "",
    "Exit codes: 0 if the last answer is 2xx, 3, 4 and 5 if it is 3xx, 4xx or 5xx, 7 if there was no answer, 2 for an error",
    "in the command line or the configuration."
  )),
  Command.withExamples([
    {
      command: "spotnana-auth webhook send http://127.0.0.1:3000/webhooks/spotnana --data @event.json --duplicates 1",
      description: "Send a delivery twice"
    },
    {
      command: "spotnana-auth webhook send http://127.0.0.1:3000/webhooks/spotnana --wrong signature",
      description: "Send a delivery that the endpoint must refuse"
    }
  ])
)

export const webhook = Command.make("webhook").pipe(
  Command.withShortDescription("Verify and send webhook deliveries"),
  Command.withDescription(paragraphs(
    "Verify deliveries of webhooks, and send test deliveries to your endpoint. The secrets are in SPOTNANA_WEBHOOK_SECRETS,",
    "separated by commas, or in the file that SPOTNANA_WEBHOOK_SECRETS_FILE names."
  )),
  Command.withSubcommands([verifyCommand, sendCommand])
)
