import { objectOfText } from "@effect-spotnana/engine/Json"
import { checked } from "@effect-spotnana/engine/Options"
import * as Cause from "effect/Cause"
import * as Digest from "effect/crypto/Digest"
import * as KeyFormat from "effect/crypto/KeyFormat"
import * as Signature from "effect/crypto/Signature"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Hex from "effect/encoding/Hex"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"

/** What is wrong with a key. */
export type Problem =
  | "Encrypted"
  | "Pkcs1"
  | "NotRsa"
  | "NotPrivate"
  | "NotPublic"
  | "TooShort"
  | "Malformed"
  | "DuplicateKid"

export interface Refusal {
  readonly problem: Problem
  /** Says nothing about the key except its size. */
  readonly message: string
}

export type Role = "private" | "public"

/** A key as the application has it. */
export type Input =
  | { readonly privateKey: Redacted.Redacted<string | JsonWebKey>; readonly kid?: string | undefined }
  | { readonly publicKey: string | JsonWebKey; readonly kid?: string | undefined }

export interface PublicMembers {
  readonly n: string
  readonly e: string
}

export type Algorithm = Signature.RsaPkcs1v15

export interface Named extends PublicMembers {
  readonly kid: string
}

const algorithm = Signature.rsaPkcs1v15Sha256
// RFC 7518 §3.3: "A key of size 2048 bits or larger MUST be used".
const minBits = 2_048

const refuse = (problem: Problem, message: string): Effect.Effect<never, Refusal> => Effect.fail({ problem, message })

const malformed = (role: Role) =>
  refuse(
    "Malformed",
    role === "private"
      ? "The private key cannot be read: expected one PEM block labelled PRIVATE KEY (PKCS#8), or a JWK with all members of " +
        "an RSA key, without quotes around it."
      : "The public key cannot be read: expected one PEM block labelled PUBLIC KEY, or a JWK with n and e."
  )

// In JavaScript, a key may be given in the clear. It is not looked into: an error of the platform may repeat it.
const notGiven = refuse(
  "Malformed",
  "No key is given: expected an object with `privateKey`, which is Redacted, or with `publicKey`."
)

const encrypted = refuse(
  "Encrypted",
  "The private key is encrypted: decrypt it with `openssl pkcs8 -in key.pem -out decrypted.pem`."
)

const pkcs1 = (role: Role) =>
  refuse(
    "Pkcs1",
    role === "private"
      ? "The private key is PKCS#1 (RSA PRIVATE KEY): convert it with `openssl pkcs8 -topk8 -nocrypt -in key.pem -out pkcs8.pem`."
      : "The public key is PKCS#1 (RSA PUBLIC KEY): convert it with `openssl rsa -RSAPublicKey_in -pubout -in key.pem`."
  )

const notRsa = refuse("NotRsa", "The key is no RSA key for RS256: make one with at least 2048 bits.")

const notPrivate = refuse("NotPrivate", "This is a public key, or a certificate: expected the private key.")

const notPublic = refuse(
  "NotPublic",
  "This is a private key where a public one was expected: give it as `privateKey`, which is Redacted. Its public key is derived."
)

/** The text of a PEM. In a variable of the environment, `\n` may stand for a line break. */
const withLineBreaks = (text: string): string => text.replaceAll("\\r", "").replaceAll("\\n", "\n").trim()

// Object identifier of rsaEncryption (1.2.840.113549.1.1.1), as it stands at the beginning of PKCS#8 and of SPKI.
const rsaEncryption = "06092a864886f70d010101"

const isRsa = (pem: string): boolean => {
  const der = Base64.decode(pem.replace(/-----[A-Z0-9 ]+-----/g, "").replace(/\s/g, ""))
  // Bytes that are not DER are malformed.
  return Result.isFailure(der) || der.success[0] !== 0x30 ||
    Hex.encode(der.success.slice(0, 40)).includes(rsaEncryption)
}

const ofPem = (role: Role, text: string): Effect.Effect<void, Refusal> => {
  switch (/-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1]) {
    case "ENCRYPTED PRIVATE KEY":
      return encrypted
    case "RSA PRIVATE KEY":
      return role === "public" ? notPublic : text.includes("ENCRYPTED") ? encrypted : pkcs1(role)
    case "RSA PUBLIC KEY":
      return role === "private" ? notPrivate : pkcs1(role)
    case "EC PRIVATE KEY":
    case "EC PARAMETERS":
    case "DSA PRIVATE KEY":
      return notRsa
    case "CERTIFICATE":
      return role === "private" ? notPrivate : malformed(role)
    case "PUBLIC KEY":
      return role === "private" ? notPrivate : isRsa(text) ? Effect.void : notRsa
    case "PRIVATE KEY":
      return role === "public" ? notPublic : isRsa(text) ? Effect.void : notRsa
    default:
      return malformed(role)
  }
}

const ofJwk = (role: Role, jwk: JsonWebKey): Effect.Effect<void, Refusal> => {
  if (Predicate.isString(jwk.kty) && jwk.kty !== "RSA") return notRsa
  if (jwk.alg !== undefined && jwk.alg !== "RS256") return notRsa
  if (jwk.kty === undefined) return malformed(role)
  if (role === "public") return jwk.d === undefined ? Effect.void : notPublic
  return jwk.d === undefined ? notPrivate : Effect.void
}

/** The JWK in a text that is JSON, or the text of a PEM. */
const materialOf = (material: unknown): string | JsonWebKey | undefined => {
  if (Predicate.isString(material)) {
    const text = material.trim()
    return text.startsWith("{") ? objectOfText(text) as JsonWebKey | undefined : withLineBreaks(text)
  }
  return Predicate.isObject(material) ? material as JsonWebKey : undefined
}

/**
 * Runs an operation of the platform with a key that passed the checks. It may throw any error, which may contain the
 * key.
 */
export const orMalformed = <A, E>(role: Role, effect: Effect.Effect<A, E>): Effect.Effect<A, Refusal> =>
  Effect.catchCause(
    effect,
    (cause) => Cause.hasInterruptsOnly(cause) ? Effect.failCause(cause as Cause.Cause<never>) : malformed(role)
  )

const longEnough = <K extends Signature.PrivateKey<Algorithm> | Signature.PublicKey<Algorithm>>(
  key: K
): Effect.Effect<K, Refusal> => {
  const { modulusLength } = key.algorithm
  return modulusLength >= minBits
    ? Effect.succeed(key)
    : refuse("TooShort", `The RSA key has ${modulusLength} bits: expected ${minBits} or more.`)
}

interface Keys {
  readonly private: Signature.PrivateKey<Algorithm>
  readonly public: Signature.PublicKey<Algorithm>
}

/** Reads a key in either form with the platform. */
const decode: {
  readonly [R in Role]: {
    readonly pem: (text: string) => Effect.Effect<Keys[R], unknown>
    readonly jwk: (jwk: JsonWebKey) => Effect.Effect<Keys[R], unknown>
  }
} = {
  private: {
    pem: (text) => KeyFormat.decodePrivate(KeyFormat.pem(KeyFormat.pkcs8), algorithm, text),
    jwk: (jwk) => KeyFormat.decodePrivate(KeyFormat.jwk, algorithm, jwk)
  },
  public: {
    pem: (text) => KeyFormat.decodePublic(KeyFormat.pem(KeyFormat.spki), algorithm, text),
    jwk: (jwk) => KeyFormat.decodePublic(KeyFormat.jwk, algorithm, jwk)
  }
}

const read = <R extends Role>(role: R, input: unknown): Effect.Effect<Keys[R], Refusal> => {
  const material = materialOf(input)
  if (material === undefined) return malformed(role)
  const key = Predicate.isString(material)
    ? Effect.andThen(ofPem(role, material), orMalformed(role, decode[role].pem(material)))
    : Effect.andThen(ofJwk(role, material), orMalformed(role, decode[role].jwk(material)))
  return Effect.flatMap(key, longEnough)
}

/** The two members of a public RSA key. Nothing else is read of a private key either. */
const publicMembers = (
  role: Role,
  key: Signature.PrivateKey<Algorithm> | Signature.PublicKey<Algorithm>
): Effect.Effect<PublicMembers, Refusal> =>
  Effect.map(orMalformed(role, KeyFormat.encode(KeyFormat.jwk, key)), ({ e, n }) => ({ n: n!, e: e! }))

/** RFC 7638: SHA-256 over the required members, in the order of their names. */
export const thumbprint = ({ e, n }: PublicMembers): Effect.Effect<string> =>
  Effect.gen(function*() {
    const { digest } = yield* Digest.Digest
    const canonical = JSON.stringify({ e, kty: "RSA", n })
    return Base64Url.encode(yield* digest(Digest.sha256, new TextEncoder().encode(canonical)))
  }).pipe(Effect.provide(Digest.layerWebCrypto))

const isName = (kid: unknown): kid is string => Predicate.isString(kid) && kid !== ""

/** The name that was given with the key, the `kid` of its JWK, or its thumbprint. */
const withKid = (input: Input, material: unknown, members: PublicMembers): Effect.Effect<Named, Refusal> =>
  Effect.suspend(() => {
    const jwk = materialOf(material)
    const own: unknown = Predicate.isObject(jwk) && "kid" in jwk ? jwk.kid : undefined
    if (input.kid !== undefined) {
      const kid = checked("SigningKey.kid", input.kid, isName(input.kid), "a text that is not empty")
      return Effect.succeed({ ...members, kid })
    }
    if (own === undefined) return Effect.map(thumbprint(members), (kid) => ({ ...members, kid }))
    return isName(own)
      ? Effect.succeed({ ...members, kid: own })
      : refuse("Malformed", "The kid of the JWK is not a text, or is empty.")
  })

/** The public key of a key, with its name. */
export const readNamed = (input: Input): Effect.Effect<Named, Refusal> =>
  !Predicate.isObject(input)
    ? notGiven
    : "privateKey" in input
    ? Effect.map(readSigning(input), ({ named }) => named)
    : Effect.gen(function*() {
      const key = yield* read("public", input.publicKey)
      return yield* withKid(input, input.publicKey, yield* publicMembers("public", key))
    })

/** A private key, and its public key with its name. */
export const readSigning = (
  input: Extract<Input, { readonly privateKey: unknown }>
): Effect.Effect<{ readonly key: Signature.PrivateKey<Algorithm>; readonly named: Named }, Refusal> =>
  Effect.gen(function*() {
    const privateKey: unknown = Predicate.isObject(input) ? input.privateKey : undefined
    if (!Redacted.isRedacted(privateKey)) return yield* notGiven
    const material = Redacted.value(privateKey)
    const key = yield* read("private", material)
    return { key, named: yield* withKid(input, material, yield* publicMembers("private", key)) }
  })
