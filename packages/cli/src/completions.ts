import { Completions, GlobalFlag } from "effect/cli"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

const levels = ["all", "trace", "debug", "info", "warn", "error", "fatal", "none"]

/** The flags of every command, which the descriptor of a command leaves out. */
const ofEveryCommand: ReadonlyArray<Completions.FlagDescriptor> = [
  {
    name: "help",
    aliases: ["h"],
    description: "Show help information",
    type: { _tag: "Boolean" },
    negation: false
  },
  {
    name: "log-level",
    aliases: [],
    description: "Sets the minimum log level",
    type: { _tag: "Choice", values: levels }
  }
]

/** The flags of the program itself. */
const ofProgram: ReadonlyArray<Completions.FlagDescriptor> = [
  {
    name: "completions",
    aliases: [],
    description: "Print shell completion script",
    type: { _tag: "Choice", values: ["bash", "zsh", "fish", "powershell"] }
  },
  {
    name: "version",
    aliases: ["v"],
    description: "Show version information",
    type: { _tag: "Boolean" },
    negation: false
  }
]

const withFlags = (command: Completions.CommandDescriptor): Completions.CommandDescriptor => ({
  ...command,
  flags: [...command.flags, ...ofEveryCommand],
  subcommands: command.subcommands.map(withFlags)
})

/** The program with all its flags, and `help` with every command. */
export const complete = (program: Completions.CommandDescriptor): Completions.CommandDescriptor => {
  const all = withFlags(program)
  const help: Completions.CommandDescriptor = {
    name: "help",
    description: "Show help of a command",
    flags: [],
    arguments: [{
      name: "command",
      description: "The command to read about",
      required: false,
      variadic: true,
      type: { _tag: "Choice", values: program.subcommands.map(({ name }) => name) }
    }],
    subcommands: []
  }
  return { ...all, flags: [...all.flags, ...ofProgram], subcommands: [...all.subcommands, help] }
}

/** `--completions`, as in Effect, but with the choices of every flag. */
export const completions = GlobalFlag.Action({
  flag: GlobalFlag.Completions.flag,
  run: (shell, { command }) =>
    Option.isNone(shell)
      ? Effect.void
      : Console.log(
        Completions.generate(command.name, shell.value, complete(Completions.fromCommand(command)))
      )
})
