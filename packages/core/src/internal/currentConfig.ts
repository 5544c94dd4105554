import type * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"

/** A value of the configuration that is read once to show a mistake, and again whenever `current` runs. */
export const currentConfig = /* #__PURE__ */ Effect.fnUntraced(function*<A>(config: Config.Config<A>) {
  const provider = yield* ConfigProvider.ConfigProvider
  // Suspended, since `parse` reads at once.
  const current: Effect.Effect<A, Config.ConfigError> = Effect.suspend(() => config.parse(provider))
  yield* current
  return { current }
})
