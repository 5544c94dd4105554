import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Environment } from "../../Environment.ts"
import type { Backend } from "./contract.ts"
import { sha256Hex } from "./webCrypto.ts"

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
export const makeRandomNames: Effect.Effect<NameSecret> = Effect.map(Effect.random, (random) => {
  const names = new Map<string, string>()
  return (secret) =>
    Effect.gen(function*() {
      const known = names.get(Redacted.value(secret))
      if (known !== undefined) return known
      const name = `random:${yield* random.next}:${yield* random.next}`
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
    const hash = yield* sha256Hex(parts)
    return (clientId: string) =>
      `${encodeURIComponent(environment.name)}:${encodeURIComponent(clientId)}:${hash.slice(0, 32)}`
  })
