import { CliConfig, CliOutput, Command, GlobalFlag, TerminalCapabilities } from "effect/cli"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Stdio from "effect/Stdio"
import * as Terminal from "effect/Terminal"
import { apiUsers } from "./commands/apiUsers.ts"
import { doctor } from "./commands/doctor.ts"
import { keys } from "./commands/keys.ts"
import { mock } from "./commands/mock.ts"
import { proxy } from "./commands/proxy.ts"
import { methodProblem, request } from "./commands/request.ts"
import { token } from "./commands/token.ts"
import { watch } from "./commands/watch.ts"
import { webhook } from "./commands/webhook.ts"
import { completions } from "./completions.ts"
import { report } from "./exitCode.ts"
import { paragraphs } from "./flag.ts"
import { version } from "./internal/version.ts"
import * as Output from "./output.ts"
import { wrapHelp } from "./wrap.ts"

export const root = Command.make("spotnana-auth").pipe(
  Command.withDescription(paragraphs(
    "Get access tokens and make authenticated requests for Spotnana's API.",
    "",
    "The credentials are in variables, which come from the file that --credentials-file names, from the environment, or",
    "from a file .env in the working directory. No flag takes a secret, because every user of this machine can list the",
    "arguments of its processes.",
    "",
    "  SPOTNANA_CLIENT_ID         the API user's client id",
    "  SPOTNANA_CLIENT_SECRET     its secret",
    "  SPOTNANA_ENVIRONMENT       production (the default) or sandbox",
    "  SPOTNANA_BASE_URL          another address of the API: a regional host, a gateway, a mock",
    "  SPOTNANA_WEBHOOK_SECRETS   the secrets that sign webhooks: see spotnana-auth webhook",
    "  SPOTNANA_TOKEN_STORE_KEYS  the key that encrypts stored tokens, instead of a key of this user",
    "  SPOTNANA_PROXY_KEY         the key that callers of proxy --require-key must send; from the environment only",
    "",
    "A value may also be in a file. Name the file in the variable with _FILE, such as SPOTNANA_CLIENT_SECRET_FILE. That",
    "does not work in .env.",
    "",
    "Connections to the API use the proxy in HTTPS_PROXY, or else in HTTP_PROXY, except for hosts in NO_PROXY.",
    "NODE_EXTRA_CA_CERTS names a file with certificates to trust in addition to those of Node.",
    "",
    "Exit codes: 0 done, 1 a fault, 2 an error in the command line or the configuration, 3, 4 and 5 a status 3xx, 4xx and",
    "5xx, 6 the credentials or the token were refused, 7 no usable answer, 8 a user's token was refused, 130 interrupted,",
    "141 the program that reads the output has ended."
  )),
  Command.withExamples([
    { command: "spotnana-auth doctor", description: "Check that everything is set up" },
    { command: "spotnana-auth request GET '/v2/companies?limit=5'", description: "Call the API" },
    { command: "spotnana-auth help request", description: "Show the help of a command" },
    {
      command: "spotnana-auth --completions bash >~/.local/share/bash-completion/completions/spotnana-auth",
      description: "Let the shell complete commands and flags"
    }
  ]),
  Command.withSubcommands([token, request, doctor, watch, proxy, mock, apiUsers, keys, webhook])
)

/** Prints an error and where to find help to stderr, because a script may read stdout as a token. */
const presenter = Effect.gen(function*() {
  const output = yield* Output.Output
  const formatter = yield* CliOutput.Formatter
  return CliOutput.Presenter.of({
    present: (event) => {
      if (event._tag !== "InvalidInvocation") return CliOutput.defaultPresenter.present(event)
      const errors = event.errors.map((error) => methodProblem(error) ?? formatter.formatCliError(error))
      return output.fault([...errors, `See ${event.commandPath.join(" ")} --help`].join("\n"))
    }
  })
})

/** Wider help is hard to read. Without a terminal, help has this width. */
const widest = 120

const formatter = Effect.gen(function*() {
  const { canColor } = yield* TerminalCapabilities.TerminalCapabilities
  const columns = yield* Terminal.Terminal.use(({ columns }) => columns)
  const formatter = CliOutput.defaultFormatter({ colors: canColor, globalFlags: "summary" })
  return CliOutput.Formatter.of({
    // oxlint-disable-next-line typescript/no-misused-spread -- a record, whose type is a class
    ...formatter,
    formatHelpDoc: (doc) => wrapHelp(formatter.formatHelpDoc(doc), Math.min(columns || widest, widest))
  })
})

const Settings = Layer.mergeAll(
  Layer.effect(CliOutput.Presenter, presenter),
  CliConfig.layer({
    builtIns: [GlobalFlag.Help, GlobalFlag.Version, completions, GlobalFlag.LogLevel]
  }),
  // Errors are printed once, at the end. `--log-level` shows what the library does until then.
  Layer.succeed(References.MinimumLogLevel, "None"),
  Layer.succeed(Logger.LogToStderr, true)
).pipe(
  Layer.provideMerge(Layer.effect(CliOutput.Formatter, formatter)),
  // By the variables and streams of the services, not by those of the process.
  Layer.provide(TerminalCapabilities.layer),
  Layer.provideMerge(Output.layer)
)

/** `help request` is the same as `request --help`, as with git and gh. */
const withHelp = (args: ReadonlyArray<string>): ReadonlyArray<string> =>
  args[0] === "help" ? [...args.slice(1), "--help"] : args

/** The command line, from its arguments to its exit code. */
export const run = Stdio.Stdio.use(({ args }) =>
  Effect.flatMap(args, (args) => Command.runWith(root, { version })(withHelp(args)))
).pipe(
  report,
  Effect.provide(Settings)
)
