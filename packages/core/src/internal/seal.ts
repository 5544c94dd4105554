import { Aead, SecureRandom } from "effect/crypto"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { Backend, Key } from "../TokenStore.ts"

const nonceLength = Aead.aes256Gcm.nonceLength

const crypto = /* #__PURE__ */ Aead.layerWebCrypto.pipe(/* #__PURE__ */ Layer.provideMerge(SecureRandom.layerWebCrypto))

const utf8 = new TextEncoder()

/** The backend, with nothing but ciphertext in it. */
export const seal = (
  backend: Backend,
  keys: readonly [Key, ...ReadonlyArray<Key>]
): Effect.Effect<Backend, never, Scope.Scope> =>
  Effect.gen(function*() {
    const services = yield* Layer.build(crypto)
    const { aead, random } = yield* Effect.provideContext(
      Effect.all({ aead: Aead.Aead, random: SecureRandom.SecureRandom }),
      services
    )
    const [first, ...others] = yield* Effect.forEach(keys, (key) =>
      Effect.orDie(Aead.key(Aead.aes256Gcm, Redacted.value(key))))
    const all = first === undefined ? [] : [first, ...others]

    const encrypt = (key: string, payload: Redacted.Redacted): Effect.Effect<Redacted.Redacted> =>
      Effect.gen(function*() {
        const nonce = yield* random.randomBytes(nonceLength)
        const sealed = yield* aead.encrypt(first!, utf8.encode(Redacted.value(payload)), {
          nonce,
          aad: utf8.encode(key)
        })
        const bytes = new Uint8Array(nonceLength + sealed.length)
        bytes.set(nonce)
        bytes.set(sealed, nonceLength)
        return Redacted.make(Base64.encode(bytes))
      }).pipe(Effect.orDie)

    // Said once of each: the same one is read again and again.
    const unreadable = new Map<string, string>()
    const warn = (key: string, payload: string): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (unreadable.get(key) === payload) {
          return Effect.void
        }
        unreadable.set(key, payload)
        return Effect.annotateLogs(
          Effect.logWarning(
            "A stored Spotnana access token cannot be decrypted, and counts as absent. Compare SPOTNANA_TOKEN_STORE_KEYS."
          ),
          { key }
        )
      })

    /** What is tampered with, cut off, or encrypted with another key or for another one counts as absent. */
    const decrypt = (key: string, payload: Redacted.Redacted): Effect.Effect<Option.Option<Redacted.Redacted>> =>
      Effect.gen(function*() {
        const bytes = Result.getOrElse(Base64.decode(Redacted.value(payload)), () =>
          new Uint8Array())
        const options = { nonce: bytes.slice(0, nonceLength), aad: utf8.encode(key) }
        const opened = yield* Effect.firstSuccessOf(
          all.map((candidate) => aead.decrypt(candidate, bytes.slice(nonceLength), options))
        )
        return Option.some(Redacted.make(new TextDecoder().decode(opened)))
      }).pipe(
        Effect.catch(() => Effect.as(warn(key, Redacted.value(payload)), Option.none()))
      )

    return {
      ...backend,
      read: (key) =>
        Effect.flatMap(backend.read(key), (found) => {
          // Of a rejected one only the version counts.
          if (Option.isNone(found) || found.value.rejected) return Effect.succeed(found)
          return Effect.map(decrypt(key, found.value.payload), Option.map((payload) => ({ ...found.value, payload })))
        }),
      lease: (key, time) =>
        Effect.flatMap(backend.lease(key, time), (lease) =>
          lease._tag === "Granted" || lease.note === undefined
            ? Effect.succeed(lease)
            : Effect.map(decrypt(key, lease.note), (note) => ({ ...lease, note: Option.getOrUndefined(note) }))),
      write: (key, fence, payload, time) =>
        Effect.flatMap(encrypt(key, payload), (payload) => backend.write(key, fence, payload, time)),
      release: (key, fence, pause) =>
        pause === undefined
          ? backend.release(key, fence)
          : Effect.flatMap(encrypt(key, pause.note), (note) => backend.release(key, fence, { ...pause, note }))
    }
  })
