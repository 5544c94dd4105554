/**
 * The RSA key that signs subject tokens, and its public key.
 *
 * Spotnana verifies a subject token with the public key. The key is at the
 * partner's JWKS URL (`Jwks`), or is registered at Spotnana (`PartnerKeys`).
 *
 * @since 0.1.0
 */
import { checked } from "@effect-spotnana/engine/Options"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { readNamed, thumbprint as thumbprintOf } from "./internal/signingKey/read.ts"
import { generatePem } from "./internal/signingKey/sign.ts"
import { optionalVariable, variableError, withFullNames } from "./internal/variables.ts"

/**
 * A private key for RS256, and its name.
 *
 * @category models
 * @since 0.1.0
 */
export interface SigningKey {
  /**
   * An RSA key of 2048 bits or more: PEM (PKCS#8, not encrypted; `\n` may stand for a line break), a JWK (RFC 7517), or a
   * JWK as JSON text.
   */
  readonly privateKey: Redacted.Redacted<string | JsonWebKey>
  /**
   * Names the key in the header of a token, at Spotnana, and in a JWKS. Default: the `kid` of the JWK, or else the RFC
   * 7638 thumbprint, which follows from the key and is different for each key.
   */
  readonly kid?: string | undefined
}

/**
 * A public key for RS256, and its name.
 *
 * @category models
 * @since 0.1.0
 */
export interface VerificationKey {
  /** An RSA key of 2048 bits or more: PEM (`PUBLIC KEY`), a JWK, or a JWK as JSON text. */
  readonly publicKey: string | JsonWebKey
  /** Default: the `kid` of the JWK, or else the RFC 7638 thumbprint. */
  readonly kid?: string | undefined
}

/**
 * A public key in the format of Spotnana and of a JWKS (RFC 7517). It never contains
 * a private member.
 *
 * @category models
 * @since 0.1.0
 */
export interface PublicJwk {
  readonly kty: "RSA"
  readonly use: "sig"
  readonly alg: "RS256"
  readonly kid: string
  /** The modulus, base64url. */
  readonly n: string
  /** The exponent, base64url. */
  readonly e: string
}

/**
 * A key that cannot be used.
 *
 * **Details**
 *
 * `problem` is one of:
 *
 * - `Encrypted`: a private key with a passphrase.
 * - `Pkcs1`: PEM labelled `RSA PRIVATE KEY` or `RSA PUBLIC KEY`.
 * - `NotRsa`: an EC key or another one that RS256 cannot use.
 * - `NotPrivate`: a public key in the place of a private one.
 * - `NotPublic`: a private key in the place of a public one.
 * - `TooShort`: fewer than 2048 bits (RFC 7518 §3.3).
 * - `Malformed`: anything else that cannot be read.
 * - `DuplicateKid`: two keys of a JWKS have the same name.
 *
 * Neither the key nor a part of it is in the error.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidSigningKey extends Schema.TaggedError<InvalidSigningKey>()("InvalidSigningKey", {
  /** What is wrong, for programs. */
  problem: Schema.Literals([
    "Encrypted",
    "Pkcs1",
    "NotRsa",
    "NotPrivate",
    "NotPublic",
    "TooShort",
    "Malformed",
    "DuplicateKid"
  ]),
  /** What is wrong and what to do. */
  message: Schema.String
}) {}

/**
 * The public key of a private or a public key, with its name.
 *
 * **Example** (The public key of the configured key)
 *
 * ```ts
 * import { SigningKey } from "@effect-spotnana/core"
 * import { Console, Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const key = yield* SigningKey.config
 *   yield* Console.log(yield* SigningKey.publicJwk(key))
 * })
 * ```
 *
 * @category converting
 * @since 0.1.0
 */
export const publicJwk = (key: SigningKey | VerificationKey): Effect.Effect<PublicJwk, InvalidSigningKey> =>
  readNamed(key).pipe(
    Effect.map(({ e, kid, n }): PublicJwk => ({ kty: "RSA", use: "sig", alg: "RS256", kid, n, e })),
    Effect.mapError((refusal) => new InvalidSigningKey(refusal))
  )

/**
 * The thumbprint of a public key (RFC 7638): base64url, SHA-256.
 *
 * @category converting
 * @since 0.1.0
 */
export const thumbprint = (jwk: Pick<PublicJwk, "n" | "e">): Effect.Effect<string> => thumbprintOf(jwk)

/**
 * A new private key, as PEM, named by its thumbprint.
 *
 * **Details**
 *
 * `modulusLength` is in bits, from 2048 (the default) to 8192. The thumbprint does
 * not begin with `-`, so that no command line takes it for a flag.
 *
 * @category constructors
 * @since 0.1.0
 */
export const generate = (
  options?: { readonly modulusLength?: number | undefined }
): Effect.Effect<SigningKey & { readonly kid: string }> =>
  Effect.gen(function*() {
    const bits = options?.modulusLength ?? 2_048
    checked(
      "SigningKey.modulusLength",
      bits,
      Number.isInteger(bits) && bits >= 2_048 && bits <= 8_192 && bits % 8 === 0,
      "a multiple of 8 from 2048 to 8192"
    )
    const pair = Effect.gen(function*() {
      const privateKey = yield* generatePem(bits)
      const { kid } = yield* Effect.orDie(publicJwk({ privateKey }))
      return { privateKey, kid }
    })
    return yield* Effect.repeat(pair, { while: ({ kid }) => kid.startsWith("-") })
  })

/**
 * Reads `SPOTNANA_PARTNER_PRIVATE_KEY` (PEM, in which `\n` may stand for a line break, or a JWK as JSON), and
 * `SPOTNANA_PARTNER_KEY_ID`, which may be absent.
 *
 * **Details**
 *
 * Fails with a `ConfigError` that says what was expected, and never prints the key.
 *
 * @category config
 * @since 0.1.0
 */
export const config: Config.Config<SigningKey> = /* #__PURE__ */ Config.all({
  privateKey: optionalVariable("SPOTNANA_PARTNER_PRIVATE_KEY"),
  kid: optionalVariable("SPOTNANA_PARTNER_KEY_ID")
}).pipe(
  /* #__PURE__ */ Config.mapEffect(({ kid, privateKey }) => {
    if (privateKey === undefined) {
      return Effect.fail(
        variableError("SPOTNANA_PARTNER_PRIVATE_KEY is not set; expected the private key that signs subject tokens")
      )
    }
    const key: SigningKey = { privateKey: Redacted.make(privateKey, { label: "privateKey" }), kid }
    return Effect.mapBoth(readNamed(key), {
      onSuccess: () => key,
      onFailure: ({ message }) => variableError(`SPOTNANA_PARTNER_PRIVATE_KEY cannot be used: ${message}`)
    })
  }),
  withFullNames
)
