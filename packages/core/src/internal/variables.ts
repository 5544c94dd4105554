import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** A `ConfigError` with the library's own message, which names the variable and what was expected. */
export const variableError = (message: string): Config.ConfigError =>
  new Config.ConfigError(new ConfigProvider.SourceError({ message }))

/** A variable that may be absent. An empty variable counts as absent. */
export const optionalVariable = (name: string): Config.Config<string | undefined> =>
  Config.String(name).pipe(
    Config.withDefault(undefined),
    Config.map((value) => value === "" ? undefined : value)
  )

/** The names under which a configuration is nested, as with `Config.nested(…, "ACME")`. Only a failure shows them. */
const prefix: Config.Config<ReadonlyArray<PropertyKey>> = /* #__PURE__ */ Config.orElse(
  /* #__PURE__ */ Config.schema(Schema.Never),
  ({ cause }) => Config.succeed(cause._tag === "SchemaError" && cause.issue._tag === "Pointer" ? cause.issue.path : [])
)

/**
 * The same configuration. Its errors show the full names of nested variables, as variables and as files in a directory
 * of secrets.
 */
export const withFullNames = <A>(config: Config.Config<A>): Config.Config<A> =>
  Config.orElse(config, ({ cause }) =>
    Config.mapEffect(prefix, (path) =>
      Effect.fail(
        path.length === 0 || cause._tag === "SchemaError"
          ? new Config.ConfigError(cause)
          : new Config.ConfigError(
            new ConfigProvider.SourceError({
              message: cause.message.replace(
                /\bSPOTNANA_\w+/g,
                (name) => `${path.join("_")}_${name} (or the file ${path.join("/")}/${name})`
              ),
              cause: cause.cause
            })
          )
      )))
