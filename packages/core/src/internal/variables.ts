import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** A `ConfigError` with a sentence of our own: it names the variable and what was expected. */
export const variableError = (message: string): Config.ConfigError =>
  new Config.ConfigError(new ConfigProvider.SourceError({ message }))

/** A variable that may be absent; an empty one is. */
export const optionalVariable = (name: string): Config.Config<string | undefined> =>
  Config.String(name).pipe(
    Config.withDefault(undefined),
    Config.map((value) => value === "" ? undefined : value)
  )

/** The names that a configuration is read below: `Config.nested(…, "ACME")`. Only what fails says where it was read. */
const prefix: Config.Config<ReadonlyArray<PropertyKey>> = /* #__PURE__ */ Config.orElse(
  /* #__PURE__ */ Config.schema(Schema.Never),
  ({ cause }) => Config.succeed(cause._tag === "SchemaError" && cause.issue._tag === "Pointer" ? cause.issue.path : [])
)

/**
 * The same configuration. Its errors have the full names of variables that are read below another name, as they are set
 * and as a directory of secrets has them.
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
