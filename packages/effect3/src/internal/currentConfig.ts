import type * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"

/** Reads a value of the configuration once, so that a mistake shows, and again each time `current` runs. */
export const currentConfig = <A>(
  config: Config.Config<A>
): Effect.Effect<{ readonly current: Effect.Effect<A, ConfigError.ConfigError> }, ConfigError.ConfigError> =>
  Effect.configProviderWith((provider) => {
    const current = Effect.suspend(() => provider.load(config))
    return Effect.as(current, { current })
  })
