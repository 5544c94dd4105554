import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import type { Environment } from "../../Environment.ts"
import type { Backend } from "./contract.ts"

/** What distinguishes the tokens of one endpoint from those of another. */
export interface Endpoint {
  readonly environment: Environment
  readonly variant?: string | Redacted.Redacted | undefined
}

/** Makes names for secrets, so that secrets can be told apart in places where they must not be. */
export type NameSecret = NonNullable<Backend["mac"]>

/**
 * Random names, for a store without an encryption key. No other process has the same names, and they reveal nothing.
 */
export const makeRandomNames: Effect.Effect<NameSecret> = Effect.gen(function*() {
  const random = yield* Random.Random
  const names = new Map<string, string>()
  return (secret) =>
    Effect.sync(() => {
      const known = names.get(Redacted.value(secret))
      if (known !== undefined) return known
      const name = `random:${random.nextDoubleUnsafe()}:${random.nextDoubleUnsafe()}`
      names.set(Redacted.value(secret), name)
      return name
    })
})

/**
 * The key of a client's token in the store. Different tokens have different keys: a key contains a hash of the token
 * URL and the parameters. A parameter that is `Redacted` enters the hash only by its name.
 *
 * The `origins` are not in it: they do not change the token, and each process checks them by itself. So after a
 * deployment that adds an origin, new processes still share the token with processes that do not know the origin yet.
 */
export const makeKeyOf = (
  { environment, variant }: Endpoint,
  nameSecret: NameSecret
): Effect.Effect<(clientId: string) => string> =>
  Effect.gen(function*() {
    const name = Redacted.isRedacted(variant) ? { secret: yield* nameSecret(variant) } : variant ?? ""
    const parts = JSON.stringify([environment.baseUrl, environment.tokenUrl, name])
    const digest = yield* Digest.Digest
    const hash = yield* digest.digestHex(Digest.sha256, new TextEncoder().encode(parts))
    return (clientId: string) =>
      `${encodeURIComponent(environment.name)}:${encodeURIComponent(clientId)}:${hash.slice(0, 32)}`
  }).pipe(Effect.provide(Digest.layerWebCrypto))
