import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"

// Effect 3 has no cryptography. This is what the stores need, made with Web Crypto.

/** A text as it is hashed, signed and encrypted. */
export const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)

/** SHA-256 of a text, in hexadecimal. */
export const sha256Hex = (text: string): Effect.Effect<string> =>
  Effect.map(
    Effect.promise(() => crypto.subtle.digest("SHA-256", utf8(text))),
    (digest) => Encoding.encodeHex(new Uint8Array(digest))
  )

/** Signs with HMAC-SHA-256 under this key. */
export const makeHmac = (
  key: Uint8Array
): Effect.Effect<(data: Uint8Array<ArrayBuffer>) => Effect.Effect<Uint8Array>> =>
  Effect.map(
    Effect.promise(() =>
      crypto.subtle.importKey("raw", new Uint8Array(key), { name: "HMAC", hash: "SHA-256" }, false, ["sign"])
    ),
    (imported) => (data) =>
      Effect.map(Effect.promise(() => crypto.subtle.sign("HMAC", imported, data)), (tag) => new Uint8Array(tag))
  )

/** AES-256-GCM under one key. The encrypted bytes begin with the nonce and end with the tag. */
export interface Cipher {
  readonly encrypt: (data: Uint8Array<ArrayBuffer>, associatedData: string) => Effect.Effect<Uint8Array>
  /** Fails if the bytes or the associated data do not belong to this key. */
  readonly decrypt: (bytes: Uint8Array<ArrayBuffer>, associatedData: string) => Effect.Effect<Uint8Array, unknown>
}

const keyLength = 32
const nonceLength = 12

const importCipherKey = (key: Uint8Array): Effect.Effect<CryptoKey> =>
  // Web Crypto would take a shorter key for AES with 128 or 192 bits.
  key.length === keyLength
    ? Effect.promise(() =>
      crypto.subtle.importKey("raw", new Uint8Array(key), "AES-GCM", false, ["encrypt", "decrypt"])
    )
    : Effect.die(new RangeError(`Expected a ${keyLength}-byte key for AES-256-GCM, not ${key.length} bytes`))

export const makeCipher = (key: Uint8Array): Effect.Effect<Cipher> =>
  Effect.map(
    importCipherKey(key),
    (imported) => {
      const algorithm = (iv: Uint8Array<ArrayBuffer>, associatedData: string) => ({
        name: "AES-GCM",
        iv,
        additionalData: utf8(associatedData)
      })
      return {
        encrypt: (data, associatedData) =>
          Effect.promise(async () => {
            const nonce = crypto.getRandomValues(new Uint8Array(nonceLength))
            const encrypted = await crypto.subtle.encrypt(algorithm(nonce, associatedData), imported, data)
            const bytes = new Uint8Array(nonceLength + encrypted.byteLength)
            bytes.set(nonce)
            bytes.set(new Uint8Array(encrypted), nonceLength)
            return bytes
          }),
        decrypt: (bytes, associatedData) =>
          Effect.map(
            Effect.tryPromise(() =>
              crypto.subtle.decrypt(
                algorithm(bytes.slice(0, nonceLength), associatedData),
                imported,
                bytes.slice(nonceLength)
              )
            ),
            (decrypted) => new Uint8Array(decrypted)
          )
      }
    }
  )
