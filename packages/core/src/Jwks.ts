/**
 * The public keys of an application, for Spotnana to fetch (RFC 7517).
 *
 * @since 0.1.0
 */
import { checked } from "@effect-spotnana/engine/Options"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import { duration } from "./internal/options.ts"
import { InvalidSigningKey, publicJwk } from "./SigningKey.ts"
import type { PublicJwk, SigningKey, VerificationKey } from "./SigningKey.ts"

/**
 * A JSON Web Key Set.
 *
 * @category models
 * @since 0.1.0
 */
export interface Jwks {
  readonly keys: ReadonlyArray<PublicJwk>
}

/**
 * The keys of a set: one, or several while a key is replaced.
 *
 * @category models
 * @since 0.1.0
 */
export type Keys = ReadonlyArray<SigningKey | VerificationKey>

/**
 * How the set is served.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Private keys, from which the public keys are derived, or public keys. */
  readonly keys: Keys
  /** Default: `/.well-known/jwks.json`. */
  readonly path?: HttpRouter.PathInput | undefined
  /**
   * How long the set may be cached, in whole seconds, rounded down. Default: 5 minutes. Serve a new key for at least
   * that long before you sign with it.
   */
  readonly maxAge?: Duration.Input | undefined
}

/**
 * The set of public keys.
 *
 * **Details**
 *
 * Each key has `kty`, `use`, `alg`, `kid`, `n` and `e`, and nothing else. Fails if a
 * key cannot be used, or if two have the same `kid`. Without a key it throws a
 * `RangeError`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (keys: Keys): Effect.Effect<Jwks, InvalidSigningKey> =>
  Effect.gen(function*() {
    checked("Jwks.keys", keys.length, keys.length > 0, "one key or more")
    const all = yield* Effect.forEach(keys, publicJwk)
    if (new Set(all.map(({ kid }) => kid)).size < all.length) {
      return yield* new InvalidSigningKey({
        problem: "DuplicateKid",
        message: "Two keys of the JWKS have the same kid: give each its own, or leave kid out."
      })
    }
    return { keys: all }
  })

/**
 * Serves the set to `GET` and `HEAD`, as `application/jwk-set+json`, with `Cache-Control`.
 *
 * **Details**
 *
 * The keys are read when the layer is built. If one cannot be used, the layer fails.
 * Spotnana requires a public HTTPS address.
 *
 * **Example** (The current key and the next one)
 *
 * ```ts
 * import { Jwks, SigningKey } from "@effect-spotnana/core"
 * import { Effect, Layer } from "effect"
 *
 * declare const nextPublicKey: string
 *
 * const JwksRoute = Layer.unwrap(
 *   Effect.map(SigningKey.config, (key) => Jwks.layer({ keys: [key, { publicKey: nextPublicKey }] }))
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  { keys, maxAge = "5 minutes", path = "/.well-known/jwks.json" }: Options
): Layer.Layer<never, InvalidSigningKey, HttpRouter.HttpRouter> => {
  const seconds = Math.floor(Duration.toSeconds(duration("Jwks.maxAge", maxAge, 0)))
  return Layer.unwrap(Effect.map(make(keys), (set) =>
    HttpRouter.add(
      "GET",
      path,
      HttpServerResponse.text(JSON.stringify(set), {
        contentType: "application/jwk-set+json",
        headers: { "cache-control": `public, max-age=${seconds}`, "x-content-type-options": "nosniff" }
      })
    )))
}
