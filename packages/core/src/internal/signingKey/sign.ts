import * as KeyFormat from "effect/crypto/KeyFormat"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Signature from "effect/crypto/Signature"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { Input, Refusal } from "./read.ts"
import { orMalformed, readSigning } from "./read.ts"

const crypto = /* #__PURE__ */ Layer.provideMerge(Signature.layerWebCrypto, SecureRandom.layerWebCrypto)

const encodeJson = (value: object): string => Base64Url.encode(JSON.stringify(value))

/** Signs JWTs (RFC 7519) with RS256 (RFC 7518 §3.3), and adds a `jti` to the claims of each. */
export type Sign = (claims: object) => Effect.Effect<Redacted.Redacted>

const utf8 = new TextEncoder()

/** Reads a key once, for any number of tokens. */
export const makeSign = (input: Extract<Input, { readonly privateKey: unknown }>): Effect.Effect<Sign, Refusal> =>
  Effect.gen(function*() {
    const { key, named } = yield* readSigning(input)
    const { publicKeyOf, sign, verify } = yield* Signature.Signature
    const { uuidV4 } = yield* SecureRandom.SecureRandom

    // If the members of a JWK do not belong together, signing may succeed, but nobody can verify the signature.
    const probe = utf8.encode("probe")
    const isSound = yield* orMalformed(
      "private",
      Effect.flatMap(
        Effect.all([publicKeyOf(key), sign(key, probe)]),
        ([publicKey, signature]) => verify(publicKey, signature, probe)
      )
    )
    if (!isSound) {
      return yield* Effect.fail<Refusal>({
        problem: "Malformed",
        message:
          "The public key does not verify what the private key signs: the members of the JWK do not belong together."
      })
    }

    const header = encodeJson({ alg: "RS256", kid: named.kid, typ: "JWT" })
    return (claims: object) =>
      Effect.gen(function*() {
        const text = `${header}.${encodeJson({ ...claims, jti: yield* uuidV4() })}`
        const signature = yield* Effect.orDie(sign(key, utf8.encode(text)))
        return Redacted.make(`${text}.${Base64Url.encode(signature)}`, { label: "subjectToken" })
      })
  }).pipe(Effect.provide(crypto))

/** A new key pair: the private key as PEM (PKCS#8). */
export const generatePem = (modulusLength: number): Effect.Effect<Redacted.Redacted> =>
  Effect.gen(function*() {
    const { generateKeyPair } = yield* Signature.Signature
    const { privateKey } = yield* generateKeyPair({ ...Signature.rsaPkcs1v15Sha256, modulusLength })
    return Redacted.make(yield* KeyFormat.encode(KeyFormat.pem(KeyFormat.pkcs8), privateKey), { label: "privateKey" })
  }).pipe(Effect.orDie, Effect.provide(crypto))
