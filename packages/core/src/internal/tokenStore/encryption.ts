import * as StoredFailure from "@effect-spotnana/engine/StoredFailure"
import * as StoredToken from "@effect-spotnana/engine/StoredToken"
import * as Aead from "effect/crypto/Aead"
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Hex from "effect/encoding/Hex"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { Backend, Key } from "./contract.ts"
import { withMac } from "./contract.ts"

const nonceLength = Aead.aes256Gcm.nonceLength

const crypto = /* #__PURE__ */ Layer.mergeAll(Aead.layerWebCrypto, Mac.layerWebCrypto).pipe(
  /* #__PURE__ */ Layer.provideMerge(SecureRandom.layerWebCrypto)
)

const utf8 = new TextEncoder()

/** The backend, which then stores only ciphertext, with names for secrets. */
export const encrypt: (
  backend: Backend,
  keys: readonly [Key, ...ReadonlyArray<Key>]
) => Effect.Effect<Backend, never, Scope.Scope> = Effect.fnUntraced(function*(backend, keys) {
  const services = yield* Layer.build(crypto)
  const { aead, mac, random } = yield* Effect.provideContext(
    Effect.all({ aead: Aead.Aead, mac: Mac.Mac, random: SecureRandom.SecureRandom }),
    services
  )
  const cipherKeyOf = (key: Key) => Effect.orDie(Aead.key(Aead.aes256Gcm, Redacted.value(key)))
  const encrypting = yield* cipherKeyOf(keys[0])
  const decrypting = [encrypting, ...yield* Effect.forEach(keys.slice(1), cipherKeyOf)]
  // Derived, so that no key serves two purposes.
  const naming = yield* Effect.orDie(
    Effect.flatMap(
      Mac.key(Mac.hmacSha256, Redacted.value(keys[0])),
      (key) =>
        Effect.flatMap(mac.sign(key, utf8.encode("spotnana names")), (derived) => Mac.key(Mac.hmacSha256, derived))
    )
  )

  const encryptText = (associatedData: string, text: Redacted.Redacted): Effect.Effect<Redacted.Redacted> =>
    Effect.gen(function*() {
      const nonce = yield* random.randomBytes(nonceLength)
      const ciphertext = yield* aead.encrypt(encrypting, utf8.encode(Redacted.value(text)), {
        nonce,
        aad: utf8.encode(associatedData)
      })
      const bytes = new Uint8Array(nonceLength + ciphertext.length)
      bytes.set(nonce)
      bytes.set(ciphertext, nonceLength)
      return Redacted.make(Base64.encode(bytes))
    }).pipe(Effect.orDie)

  // Logged once for each, because the same one is read again and again.
  const warned = new Map<string, string>()
  const warn = (what: string, key: string, payload: string): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (warned.get(key + what) === payload) return Effect.void
      warned.set(key + what, payload)
      return Effect.annotateLogs(
        Effect.logWarning(`A stored ${what} cannot be decrypted. Compare SPOTNANA_TOKEN_STORE_KEYS of all processes.`),
        { key }
      )
    })

  /** The text, unless it was tampered with, cut off, or encrypted with another key or for another purpose. */
  const decryptText = (associatedData: string, payload: Redacted.Redacted): Effect.Effect<Option.Option<string>> =>
    Effect.suspend(() => {
      const bytes = Result.getOrElse(Base64.decode(Redacted.value(payload)), () => new Uint8Array())
      const options = { nonce: bytes.slice(0, nonceLength), aad: utf8.encode(associatedData) }
      return Effect.option(
        Effect.map(
          Effect.firstSuccessOf(decrypting.map((key) => aead.decrypt(key, bytes.slice(nonceLength), options))),
          (decrypted) => new TextDecoder().decode(decrypted)
        )
      )
    })

  const decrypt = (what: string, key: string, associatedData: string, payload: Redacted.Redacted) =>
    Effect.tap(
      Effect.map(decryptText(associatedData, payload), Option.map((text) => Redacted.make(text))),
      (text) => Option.isNone(text) ? warn(what, key, Redacted.value(payload)) : Effect.void
    )

  const macOf = (secret: Redacted.Redacted): Effect.Effect<string> =>
    Effect.map(Effect.orDie(mac.sign(naming, utf8.encode(Redacted.value(secret)))), (tag) => Hex.encode(tag))

  return {
    ...withMac(backend, macOf),
    read: (key) =>
      Effect.flatMap(backend.read(key), (found) => {
        if (Option.isNone(found)) return Effect.succeedNone
        const { payload, version } = found.value
        return Effect.map(
          decrypt("Spotnana access token", key, StoredToken.associatedData(key, version), payload),
          Option.map((payload) => ({ ...found.value, payload }))
        )
      }),
    lease: (key, time) =>
      Effect.flatMap(backend.lease(key, time), (lease) =>
        lease._tag !== "Backoff" || lease.failure === undefined
          ? Effect.succeed(lease)
          : Effect.map(
            decrypt("failure of a token request", key, StoredFailure.associatedData(key), lease.failure),
            (failure) => ({ ...lease, failure: Option.getOrUndefined(failure) })
          )),
    write: (key, fence, payload, time) =>
      Effect.flatMap(
        encryptText(StoredToken.associatedData(key, fence), payload),
        (payload) => backend.write(key, fence, payload, time)
      ),
    release: (key, fence, backoff) =>
      backoff === undefined
        ? backend.release(key, fence)
        : Effect.flatMap(
          encryptText(StoredFailure.associatedData(key), backoff.failure),
          (failure) => backend.release(key, fence, { ...backoff, failure })
        )
  }
})
