import type * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import type { ClientCredentials, Credentials } from "../Credentials.ts"

/** Read once to show a mistake, and again at every acquisition. */
export const credentialsFromConfig = (
  config: Config.Config<ClientCredentials>
): Effect.Effect<Credentials["Service"], Config.ConfigError> =>
  Effect.gen(function*() {
    const provider = yield* ConfigProvider.ConfigProvider
    // Suspended, since `parse` reads at once.
    const current = Effect.suspend(() => config.parse(provider))
    yield* current
    return { current }
  })
