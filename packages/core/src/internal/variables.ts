import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"

/** A `ConfigError` with a sentence of our own: it names the variable and what was expected. */
export const variableError = (message: string): Config.ConfigError =>
  new Config.ConfigError(new ConfigProvider.SourceError({ message }))

/** A variable that may be absent; an empty one is. */
export const optionalVariable = (name: string): Config.Config<string | undefined> =>
  Config.String(name).pipe(
    Config.withDefault(undefined),
    Config.map((value) => value === "" ? undefined : value)
  )
