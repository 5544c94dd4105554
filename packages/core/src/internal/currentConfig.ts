import type * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"

/** Reads a value of the configuration once, so that a mistake shows, and again each time `current` runs. */
export const currentConfig = /* #__PURE__ */ Effect.fnUntraced(function*<A>(config: Config.Config<A>) {
  const provider = yield* ConfigProvider.ConfigProvider
  // Suspended, because `parse` reads immediately.
  const current: Effect.Effect<A, Config.ConfigError> = Effect.suspend(() => config.parse(provider))
  yield* current
  return { current }
})
