/**
 * Verifies subject tokens as Spotnana does: JWTs that a partner signed with a key of its JWKS, or with a registered
 * key.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as KeyFormat from "effect/crypto/KeyFormat"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Signature from "effect/crypto/Signature"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/**
 * A public key: a member of a JWKS. Further fields are ignored.
 *
 * @category models
 * @since 0.1.0
 */
export interface VerificationKey {
  readonly kty?: string | undefined
  readonly kid?: string | undefined
  readonly n?: string | undefined
  readonly e?: string | undefined
}

/**
 * The options of {@link verify}.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** The registered keys (`MockSpotnana.partnerKeys`), or those of a JWKS. */
  readonly keys: ReadonlyArray<VerificationKey>
  /** Default: `spotnana`. */
  readonly audience?: string | undefined
  /** Default: any. */
  readonly issuer?: string | undefined
  /** How much the clock of the signer may differ. Default: 10 seconds. */
  readonly clockTolerance?: Duration.Input | undefined
}

/**
 * The claims of a verified token.
 *
 * @category models
 * @since 0.1.0
 */
export interface Claims {
  readonly email: string
  readonly iss: string
  readonly sub: string
  readonly aud: string | ReadonlyArray<string>
  readonly iat: number
  readonly exp: number
  readonly [claim: string]: unknown
}

/**
 * A token that is not accepted.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidSubjectToken extends Data.TaggedError("InvalidSubjectToken")<{
  readonly problem:
    | "Malformed"
    | "WrongAlgorithm"
    | "UnknownKey"
    | "WrongSignature"
    | "MissingClaim"
    | "WrongAudience"
    | "WrongIssuer"
    | "Expired"
    | "IssuedInFuture"
  /** What is wrong. It contains neither the token nor a claim. */
  readonly message: string
}> {}

const Header = Schema.Struct({ alg: Schema.String, kid: Schema.optional(Schema.String) })

const Required = Schema.Struct({
  email: Schema.NonEmptyString,
  iss: Schema.NonEmptyString,
  sub: Schema.NonEmptyString,
  aud: Schema.Union([Schema.String, Schema.Array(Schema.String)]),
  iat: Schema.Number,
  exp: Schema.Number
})

const jsonOf = (part: string): unknown =>
  Result.getOrUndefined(
    Result.flatMap(Base64Url.decodeString(part), (text) => Result.try((): unknown => JSON.parse(text)))
  )

const crypto = /* #__PURE__ */ Signature.layerWebCrypto.pipe(/* #__PURE__ */ Layer.provide(SecureRandom.layerWebCrypto))

const isSigned = (key: VerificationKey, data: string, signature: string): Effect.Effect<boolean> =>
  Effect.gen(function*() {
    const bytes = Base64Url.decode(signature)
    if (Result.isFailure(bytes)) return false
    const { verify } = yield* Signature.Signature
    const { e = "", n = "" } = key
    const publicKey = yield* KeyFormat.decodePublic(KeyFormat.jwk, Signature.rsaPkcs1v15Sha256, { kty: "RSA", n, e })
    return yield* verify(publicKey, bytes.success, new TextEncoder().encode(data))
  }).pipe(Effect.catch(() => Effect.succeed(false)), Effect.provide(crypto))

/**
 * Verifies a token: RS256, a known `kid`, its signature, the claims that Spotnana
 * requires, audience, issuer, and time by `Clock`.
 *
 * **Example** (Which user a token of the mock belongs to)
 *
 * ```ts
 * import { MockSpotnana, SubjectTokenVerifier } from "@effect-spotnana/testing"
 * import { Effect, Redacted } from "effect"
 *
 * declare const subjectToken: Redacted.Redacted
 *
 * const program = Effect.gen(function*() {
 *   const mock = yield* MockSpotnana.MockSpotnana
 *   const { email } = yield* SubjectTokenVerifier.verify(subjectToken, { keys: yield* mock.partnerKeys })
 *   return email
 * })
 * ```
 *
 * @category verification
 * @since 0.1.0
 */
export const verify = (token: Redacted.Redacted, options: Options): Effect.Effect<Claims, InvalidSubjectToken> =>
  Effect.gen(function*() {
    const refuse = (problem: InvalidSubjectToken["problem"], message: string) =>
      new InvalidSubjectToken({ problem, message })
    const [head = "", body = "", signature = "", ...rest] = Redacted.value(token).split(".")
    const header = Schema.decodeUnknownOption(Header)(jsonOf(head))
    if (Option.isNone(header) || signature === "" || rest.length > 0) {
      return yield* refuse("Malformed", "The subject token is not a signed JWT")
    }
    const { alg, kid } = header.value
    if (alg !== "RS256") return yield* refuse("WrongAlgorithm", "The subject token is not signed with RS256")
    const key = options.keys.find((key) => kid !== undefined && key.kid === kid)
    if (key === undefined) return yield* refuse("UnknownKey", "No key has the kid of the subject token")
    if (!(yield* isSigned(key, `${head}.${body}`, signature))) {
      return yield* refuse("WrongSignature", "The subject token is not signed with the key of its kid")
    }
    const json = jsonOf(body)
    const claims = Schema.decodeUnknownOption(Required)(json)
    if (Option.isNone(claims)) {
      return yield* refuse("MissingClaim", "The subject token has email, iss, sub, aud, iat and exp")
    }
    const { aud, exp, iat, iss } = claims.value
    if (![aud].flat().includes(options.audience ?? "spotnana")) {
      return yield* refuse("WrongAudience", "The subject token is for somebody else")
    }
    if (options.issuer !== undefined && iss !== options.issuer) {
      return yield* refuse("WrongIssuer", "The subject token is of another issuer")
    }
    const tolerance = Duration.toMillis(Duration.fromInputUnsafe(options.clockTolerance ?? "10 seconds"))
    const now = yield* Clock.currentTimeMillis
    if (now >= exp * 1_000 + tolerance) return yield* refuse("Expired", "The subject token has expired")
    if (now < iat * 1_000 - tolerance) return yield* refuse("IssuedInFuture", "The subject token is from the future")
    return { ...(json as object), ...claims.value }
  })
