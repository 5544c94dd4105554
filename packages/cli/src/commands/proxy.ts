import { Command, Flag } from "effect/cli"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { duration, paragraphs, port, toggle } from "../flag.ts"
import * as Session from "../session.ts"

/** Loaded only if it is needed: the other commands need no server. */
const load = Effect.promise(() => import("../proxy/serve.ts"))

export const proxy = Command.make("proxy", {
  ...Session.flags,
  address: Flag.String("address").pipe(
    Flag.withMetavar("ip"),
    Flag.withDescription(
      "Listen on this address. If other machines can reach it, the key is required. Default: 127.0.0.1 and ::1"
    ),
    Flag.optional
  ),
  port: port(7768).pipe(Flag.withDescription("Listen on this port; 0 chooses a free one. Default: 7768")),
  allowHost: Flag.String("allow-host").pipe(
    Flag.withMetavar("host"),
    Flag.withDescription(
      "Also accept this host name, such as spotnana-proxy or gateway:80. The key is then required. May be repeated"
    ),
    Flag.atLeast(0)
  ),
  requireKey: toggle("require-key", "Accept only requests with the value of SPOTNANA_PROXY_KEY as bearer"),
  timeout: duration("timeout", 1).pipe(
    Flag.withDefault(Duration.minutes(2)),
    Flag.withDescription("How long to wait for the API's answer. Default: 2m")
  ),
  quiet: toggle("quiet", "Do not print the requests").pipe(Flag.withAlias("q"))
}, (input) => Effect.flatMap(load, ({ serve }) => serve(input)).pipe(Effect.provide(Session.layer(input)))).pipe(
  Command.withShortDescription("Forward requests of local programs with a token"),
  Command.withDescription(paragraphs(
    "Forward requests to the API with a token, for programs in any language. They call http://127.0.0.1:7768/v2/… and need",
    "no credentials and no token. Requests and answers are streamed unchanged. Each request is a line on stderr.",
    "",
    "After a 401 the request is repeated once with a new token, if its body is at most 1 MiB. With a larger body it gets",
    "503, and the program can make it again with the new token. If there is no token, the answer is 502 (correct the",
    "credentials) or 503 (Retry-After says when to try again). Its body says what happened, in the format of Spotnana's",
    "errors, and it has the header Proxy-Status. After a 503 of the proxy the API has done nothing, and the request can be",
    "made again. If the proxy does not know that, the answer is 502 or 504 and says so.",
    "",
    "While it runs, every program of every user on this machine can use it. With --require-key, only programs that send",
    "Authorization: Bearer <SPOTNANA_PROXY_KEY> can. Without a key, a request with an Authorization header is refused,",
    "because the header was not meant for the proxy.",
    "",
    "Web pages cannot use it in a browser that sends Sec-Fetch-Site: requests that such a browser sends for a page are",
    "refused, and so is every Host except localhost, its own addresses and the names of --allow-host. In another browser, a",
    "page can send GET requests, but it cannot read the answers. With a key, no page can. Browsers send Sec-Fetch-Site only",
    "to localhost, names that end with .localhost, and loopback addresses. So any other name of --allow-host requires the",
    "key.",
    "",
    "Cookies are removed in both directions. Redirects are not followed; those to the API lead through the proxy.",
    "WebSockets are not supported. The token is sent to the API only.",
    "",
    "For another container use --address 0.0.0.0 --allow-host <the name under which it calls the proxy>. The key is then",
    "required. It crosses the network unencrypted, so use a private network. GET /.spotnana-auth/health answers 200 if",
    "there is a token, and otherwise 503. It needs no key and is not forwarded."
  )),
  Command.withExamples([
    { command: "spotnana-auth proxy", description: "Then: curl 'http://127.0.0.1:7768/v2/companies?limit=5'" },
    {
      command: "spotnana-auth proxy --require-key --port 0",
      description: "Only for programs with SPOTNANA_PROXY_KEY; the address is on stdout"
    },
    {
      command: "spotnana-auth proxy --address 0.0.0.0 --allow-host spotnana-proxy",
      description: "For other containers, at http://spotnana-proxy:7768"
    }
  ])
)
