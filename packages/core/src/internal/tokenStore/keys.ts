import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import type { Environment } from "../../Environment.ts"
import type { Backend } from "./contract.ts"

/** What tells the tokens of one endpoint from those of another. */
export interface Endpoint {
  readonly environment: Environment
  readonly variant?: string | Redacted.Redacted | undefined
}

/** Names secrets, so that they can be told apart where they must not be. */
export type NameSecret = NonNullable<Backend["mac"]>

/** Random names, for a store that has no key: no other process has the same, and nothing follows from them. */
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
 * The key of a client's token in the store. What tokens differ in, their keys differ in: of the token URL and the
 * parameters there is a hash, and a parameter that is `Redacted` goes into it under its name only.
 *
 * Where a process sends the token is not in it: the token is the same with further `origins`, which each process looks at
 * by itself. So a deployment that adds one goes on sharing with the processes that do not know it yet.
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
