import { CliConfig, CliOutput, Command, GlobalFlag } from "effect/cli"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import { token } from "./commands/token.ts"
import { report } from "./exitCode.ts"
import { version } from "./internal/version.ts"
import * as Output from "./output.ts"

const root = Command.make("spotnana-auth").pipe(
  Command.withDescription("Tokens and authenticated requests for Spotnana's API, from the command line"),
  Command.withSubcommands([token])
)

/** An error and where to find help, on stderr: what is on stdout may be taken for a token. */
const presenter = Effect.map(Output.Output, (output): CliOutput.Presenter => ({
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Effect.andThen(
        Effect.forEach(event.errors, (error) => output.fault(CliOutput.defaultFormatter().formatCliError(error))),
        output.note(`See ${event.commandPath.join(" ")} --help`)
      )
      : CliOutput.defaultPresenter.present(event)
}))

const Settings = Layer.mergeAll(
  Layer.effect(CliOutput.Presenter, presenter),
  CliConfig.layer({
    builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions, GlobalFlag.LogLevel]
  }),
  // Errors are said once, at the end; `--log-level` shows what the library does until then.
  Layer.succeed(References.MinimumLogLevel, "None"),
  Layer.succeed(Logger.LogToStderr, true)
).pipe(Layer.provideMerge(Output.layer))

/** The command line, from its arguments to its exit code. */
export const run = Command.run(root, { version }).pipe(
  report,
  Effect.provide(Settings)
)
