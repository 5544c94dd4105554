import { Command, Flag } from "effect/cli"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { duration, paragraphs, port, toggle } from "../flag.ts"
import * as Session from "../session.ts"

/** Loaded when it is wanted: the other commands need no server. */
const load = Effect.promise(() => import("../proxy/serve.ts"))

export const proxy = Command.make("proxy", {
  ...Session.flags,
  address: Flag.String("address").pipe(
    Flag.withMetavar("ip"),
    Flag.withDescription(
      "Listen on this address. One that other machines reach makes --require-key a must. Default: 127.0.0.1 and ::1"
    ),
    Flag.optional
  ),
  port: port(7768).pipe(Flag.withDescription("Listen on this port; 0 is any that is free. Default: 7768")),
  allowHost: Flag.String("allow-host").pipe(
    Flag.withMetavar("host"),
    Flag.withDescription(
      "Answer to this name too, as in spotnana-proxy, or with another port in front, gateway:80; repeatable"
    ),
    Flag.atLeast(0)
  ),
  requireKey: toggle("require-key", "Let only in who sends the value of SPOTNANA_PROXY_KEY, as a bearer"),
  timeout: duration("timeout").pipe(
    Flag.withDefault(Duration.minutes(2)),
    Flag.withDescription("How long the API may be silent before it answers. Default: 2m")
  ),
  quiet: toggle("quiet", "Do not print the requests").pipe(Flag.withAlias("q"))
}, (input) => Effect.flatMap(load, ({ serve }) => serve(input)).pipe(Effect.provide(Session.layer(input)))).pipe(
  Command.withShortDescription("Lend the token to the programs of this machine"),
  Command.withDescription(paragraphs(
    "Forward requests to the API with a token, for programs in any language: they call http://127.0.0.1:7768/v2/… and know",
    "nothing of credentials, tokens and renewals. Requests and answers pass as they are, streamed; each is a line on stderr.",
    "",
    "A request that is answered 401 is repeated once with a new token, if its body is not larger than 1 MiB. With a larger",
    "one it is answered 503, and the program is to make it again: the token is a new one by then. When there is no token,",
    "the answer is 502 (mend the credentials) or 503 (Retry-After says when to come back), with what happened in a body",
    "like that of Spotnana's errors, and Proxy-Status among the headers. After a 503 of the proxy nothing was done, and the",
    "request can be made again. Where that is not known the answer is 502 or 504, and says so.",
    "",
    "Who can use it: every program of every user on this machine, while it runs. With --require-key only those that send",
    "Authorization: Bearer <SPOTNANA_PROXY_KEY>. No web page can: what a browser sends on behalf of a page is refused, and so",
    "is any Host but localhost and what --allow-host names. Without a key, a request with an Authorization header of its own",
    "is refused too: it was meant for somebody else. Cookies do not pass, in neither direction. Redirects are for the program",
    "to follow; those to the API lead through the proxy. WebSockets do not pass. The token goes to the API and nowhere else.",
    "",
    "For another container: --address 0.0.0.0 --allow-host <what it calls the proxy>. Then the key is a must, and crosses the",
    "network in the clear: keep that network private. GET /.spotnana-auth/health answers 200 while a token is in use, else",
    "503, to anybody and without a key; it is not forwarded."
  )),
  Command.withExamples([
    { command: "spotnana-auth proxy", description: "Then: curl 'http://127.0.0.1:7768/v2/companies?limit=5'" },
    {
      command: "spotnana-auth proxy --require-key --port 0",
      description: "For those who have SPOTNANA_PROXY_KEY; the address is on stdout"
    },
    {
      command: "spotnana-auth proxy --address 0.0.0.0 --allow-host spotnana-proxy",
      description: "For other containers, at http://spotnana-proxy:7768"
    }
  ])
)
