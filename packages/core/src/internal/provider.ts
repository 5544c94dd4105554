import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { AuthError } from "../AuthError.ts"
import type { Credentials } from "../Credentials.ts"
import * as RefreshPolicy from "../RefreshPolicy.ts"
import type { TokenEndpoint } from "../TokenEndpoint.ts"
import type { Options, TokenProvider } from "../TokenProvider.ts"
import { TokenStore } from "../TokenStore.ts"
import { makeAcquisition } from "./acquisition.ts"
import { makeLifecycle } from "./lifecycle.ts"
import { Telemetry } from "./telemetry.ts"

/** What a provider is made of, and where it lives. */
export interface Parts {
  readonly endpoint: TokenEndpoint["Service"]
  readonly credentials: Credentials["Service"]
  /** The services that acquisitions run with. */
  readonly context: Context.Context<never>
  /** Its end is the provider's. */
  readonly scope: Scope.Scope
}

export const makeProvider = (
  options: Options,
  { context, credentials, endpoint, scope }: Parts
): Effect.Effect<TokenProvider["Service"], AuthError> =>
  Effect.gen(function*() {
    const policy = RefreshPolicy.make(options.refresh)
    const store = yield* Effect.serviceOption(TokenStore)
    const sharing = Option.isNone(store)
      ? undefined
      : yield* Scope.provide(store.value.share(store.value.backend, endpoint), scope)
    const lifecycle = yield* makeLifecycle(
      policy,
      makeAcquisition(credentials, endpoint, policy.acquisitionTimeout, sharing),
      sharing,
      new Telemetry(endpoint.environment, context),
      context,
      scope
    )
    if (options.eager === true) yield* lifecycle.get
    return { ...lifecycle, environment: endpoint.environment }
  })
