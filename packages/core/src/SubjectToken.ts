/**
 * Subject tokens that you sign: they tell Spotnana for which user your application
 * requests a token.
 *
 * A subject token is a JWT (RFC 7519) with the user's email. The token exchange (RFC
 * 8693) exchanges it for an access token of the user.
 *
 * @since 0.1.0
 */
import * as Instant from "@effect-spotnana/engine/Instant"
import { checked } from "@effect-spotnana/engine/Options"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Predicate from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { currentInstant } from "./internal/instant.ts"
import { duration } from "./internal/options.ts"
import type { Sign } from "./internal/signingKey/sign.ts"
import { makeSign } from "./internal/signingKey/sign.ts"
import { InvalidSigningKey } from "./SigningKey.ts"
import type { SigningKey } from "./SigningKey.ts"

/**
 * The claims of a token about the user.
 *
 * **Details**
 *
 * The signer sets `iss`, `aud`, `iat`, `exp` and `jti`: a claim of one of these
 * names throws a `RangeError`. So does a value that JSON does not have (`NaN`, a
 * `bigint`, a `Date`).
 *
 * @category models
 * @since 0.1.0
 */
export interface Claims {
  /** The user's email at Spotnana. */
  readonly email: string
  /** Identifies the user. Default: the email. */
  readonly sub?: string | undefined
  /** Further claims. */
  readonly [claim: string]: Schema.Json | undefined
}

/**
 * What all tokens of a signer have in common.
 *
 * @category models
 * @since 0.1.0
 */
export interface TokenOptions {
  /** The issuer (`iss`), as agreed with Spotnana. */
  readonly issuer: string
  /** The audience (`aud`). Default: `spotnana`. */
  readonly audience?: string | undefined
  /**
   * The lifetime of a token, from 30 seconds to an hour, in whole seconds, rounded down. Default: 5 minutes. Spotnana
   * does not document a maximum.
   */
  readonly lifetime?: Duration.Input | undefined
}

/**
 * Options of {@link signer}.
 *
 * @category models
 * @since 0.1.0
 */
export interface SignerOptions<out E = never, out R = never> extends TokenOptions {
  /** The key to sign with. It is read for each signature, so a replaced key is used at once. */
  readonly key: Effect.Effect<SigningKey, E, R>
}

/**
 * Options of {@link signed}.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends TokenOptions, SigningKey {
  /** The claims of the token about the user. */
  readonly claims: Claims
}

const minLifetime = 30_000
const maxLifetime = 3_600_000
// The longest remaining lifetime that a cached token needs: enough for one request.
const maxMargin = 60_000

const ownClaims = ["iss", "aud", "iat", "exp", "jti"]

const isJson = /* #__PURE__ */ Schema.is(Schema.Json)

const text = (name: string, value: string): string =>
  checked(name, value, Predicate.isString(value) && value !== "", "a text that is not empty")

interface Cached {
  readonly token: Redacted.Redacted
  /** If the wall clock is set back to before this time, the token would be issued in the future. */
  readonly signedAt: number
  readonly until: Instant.Instant
}

/**
 * Signs the tokens of many users with one key, which may change.
 *
 * **Details**
 *
 * The effect for a user gives a token that is valid for at least a minute, or for
 * a fifth of its lifetime if that is shorter. It signs one token for all callers
 * and caches it until then, by the wall clock and by the monotonic clock. Keep
 * the effect and use it again, because each effect has its own cache.
 *
 * **Gotchas**
 *
 * If the key may change, leave out `kid`, or give each key its own.
 *
 * **Example** (The users of an application)
 *
 * ```ts
 * import { SigningKey, SubjectToken } from "@effect-spotnana/core"
 * import { Effect } from "effect"
 *
 * const signFor = SubjectToken.signer({ key: SigningKey.config, issuer: "https://partner.example" })
 *
 * const program = Effect.gen(function*() {
 *   const subjectToken = yield* signFor({ email: "ada@partner.example" })
 *   return subjectToken
 * })
 * ```
 *
 * @category signing
 * @since 0.1.0
 */
export const signer = <E = never, R = never>(
  options: SignerOptions<E, R>
): (claims: Claims) => Effect.Effect<Redacted.Redacted, InvalidSigningKey | E, R> => {
  const issuer = text("SubjectToken.issuer", options.issuer)
  const audience = text("SubjectToken.audience", options.audience ?? "spotnana")
  const lifetime = Duration.toMillis(
    duration("SubjectToken.lifetime", options.lifetime ?? "5 minutes", minLifetime)
  )
  checked("SubjectToken.lifetime", options.lifetime, lifetime <= maxLifetime, "an hour at most")
  const margin = Math.min(maxMargin, lifetime / 5)

  // A key is read again only if it has changed, because reading takes longer than signing.
  let last: { readonly key: SigningKey; readonly sign: Sign } | undefined
  const signWith = (key: SigningKey): Effect.Effect<Sign, InvalidSigningKey> =>
    last !== undefined && last.key.kid === key.kid && Equal.equals(last.key.privateKey, key.privateKey)
      ? Effect.succeed(last.sign)
      : Effect.mapBoth(makeSign(key), {
        onFailure: (refusal) => new InvalidSigningKey(refusal),
        onSuccess: (sign) => {
          last = { key, sign }
          return sign
        }
      })

  return (claims) => {
    const email = text("SubjectToken.claims.email", claims.email)
    const sub = text("SubjectToken.claims.sub", claims.sub ?? email)
    for (const name of ownClaims) {
      checked("SubjectToken.claims", name, claims[name] === undefined, "no claim of this name: the signer sets it")
    }
    for (const [name, value] of Object.entries(claims)) {
      checked("SubjectToken.claims", name, value === undefined || isJson(value), "a value that JSON can represent")
    }
    let cached: Cached | undefined

    const sign = Effect.gen(function*() {
      const signClaims = yield* Effect.flatMap(options.key, signWith)
      const now = yield* currentInstant
      const iat = Math.floor(now.wall / 1_000)
      const exp = iat + Math.floor(lifetime / 1_000)
      const token = yield* signClaims({ ...claims, email, sub, iss: issuer, aud: audience, iat, exp })
      cached = { token, signedAt: now.wall, until: Instant.after(now, exp * 1_000 - now.wall - margin) }
      return token
    })
    // Callers share a signature in progress. It is not cached here, because a time to live uses only one clock.
    const [shared, forget] = Effect.runSync(
      Effect.cachedInvalidateWithTTL(Effect.ensuring(sign, Effect.suspend(() => forget)), 0)
    ) as [typeof sign, Effect.Effect<void>]

    return Effect.flatMap(
      currentInstant,
      (now) =>
        cached !== undefined && now.wall >= cached.signedAt && !Instant.hasPassed(cached.until, now)
          ? Effect.succeed(cached.token)
          : shared
    )
  }
}

/**
 * The token of one user, signed with one key: an effect that signs a new token
 * shortly before the last one expires.
 *
 * **Details**
 *
 * The token is signed with RS256. It has the given claims, and `sub`, `iss`,
 * `aud`, `iat`, `exp` and `jti`. The effect fails with `InvalidSigningKey` if the
 * key cannot be used. Options that cannot be used throw a `RangeError`.
 *
 * **Example** (A subject token)
 *
 * ```ts
 * import { SubjectToken } from "@effect-spotnana/core"
 * import { Redacted } from "effect"
 *
 * declare const pem: string
 *
 * const subjectToken = SubjectToken.signed({
 *   privateKey: Redacted.make(pem),
 *   kid: "my-key-1",
 *   issuer: "https://partner.example",
 *   claims: { email: "ada@partner.example" }
 * })
 * ```
 *
 * @see {@link signer} for many users, and for a key that may change
 * @category signing
 * @since 0.1.0
 */
export const signed = (
  { claims, kid, privateKey, ...options }: Options
): Effect.Effect<Redacted.Redacted, InvalidSigningKey> =>
  signer({ ...options, key: Effect.succeed({ privateKey, kid }) })(claims)
