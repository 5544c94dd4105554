import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"

/** A `ConfigError` with the library's own message, which names the variable and what was expected. */
export const variableError = (message: string): ConfigError.ConfigError => ConfigError.InvalidData([], message)

/** A variable that may be absent. An empty variable counts as absent. */
export const optionalVariable = (name: string): Config.Config<string | undefined> =>
  Config.string(name).pipe(
    Config.withDefault(undefined),
    Config.map((value) => value === "" ? undefined : value)
  )
