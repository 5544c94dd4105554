import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Either from "effect/Either"

/** A `ConfigError` with the library's own message, which names the variable and what was expected. */
export const variableError = (message: string): ConfigError.ConfigError => ConfigError.InvalidData([], message)

/** A variable that may be absent. An empty variable counts as absent. */
export const optionalVariable = (name: string): Config.Config<string | undefined> =>
  Config.string(name).pipe(
    Config.withDefault(undefined),
    Config.map((value) => value === "" ? undefined : value)
  )

/** The names under which a configuration is nested, as with `Config.nested(…, "ACME")`. Only a failure shows them. */
const prefix: Config.Config<ReadonlyArray<string>> = /* #__PURE__ */ Config.suspend(() => {
  let path: ReadonlyArray<string> = []
  return Config.orElseIf(Config.fail(""), {
    if: (error) => {
      if (ConfigError.isMissingData(error)) path = error.path
      return true
    },
    orElse: () => Config.sync(() => path)
  })
})

/** A configuration that is checked. The error shows the full names of nested variables. */
export const checkedConfig = <A, B>(
  config: Config.Config<A>,
  check: (value: A) => Either.Either<B, string>
): Config.Config<B> =>
  Config.mapOrFail(
    Config.zip(prefix, config),
    ([path, value]) =>
      Either.mapLeft(check(value), (message) =>
        variableError(message.replace(/\bSPOTNANA_\w+/g, (name) => [...path, name].join("_"))))
  )
