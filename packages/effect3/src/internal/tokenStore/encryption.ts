import { StoredFailure, StoredToken } from "@effect-spotnana/engine"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { Backend, Key } from "./contract.ts"
import { withMac } from "./contract.ts"
import { makeCipher, makeHmac, utf8 } from "./webCrypto.ts"

/** The backend, which then stores only ciphertext, with names for secrets. */
export const encrypt = (backend: Backend, keys: readonly [Key, ...ReadonlyArray<Key>]): Effect.Effect<Backend> =>
  Effect.gen(function*() {
    const encrypting = yield* makeCipher(Redacted.value(keys[0]))
    const others = yield* Effect.forEach(keys.slice(1), (key) => makeCipher(Redacted.value(key)))
    // Derived, so that no key serves two purposes.
    const sign = yield* makeHmac(Redacted.value(keys[0])).pipe(
      Effect.flatMap((sign) => sign(utf8("spotnana names"))),
      Effect.flatMap(makeHmac)
    )

    const encryptText = (associatedData: string, text: Redacted.Redacted): Effect.Effect<Redacted.Redacted> =>
      Effect.map(
        encrypting.encrypt(utf8(Redacted.value(text)), associatedData),
        (bytes) => Redacted.make(Encoding.encodeBase64(bytes))
      )

    // Logged once for each, because the same one is read again and again.
    const warned = new Map<string, string>()
    const warn = (what: string, key: string, payload: string): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (warned.get(key + what) === payload) return Effect.void
        warned.set(key + what, payload)
        return Effect.annotateLogs(
          Effect.logWarning(
            `A stored ${what} cannot be decrypted. Compare SPOTNANA_TOKEN_STORE_KEYS of all processes.`
          ),
          { key }
        )
      })

    /** The text, unless it was tampered with, cut off, or encrypted with another key or for another purpose. */
    const decrypt = (what: string, key: string, associatedData: string, payload: Redacted.Redacted) =>
      Effect.suspend(() => {
        const bytes = new Uint8Array(
          Either.getOrElse(Encoding.decodeBase64(Redacted.value(payload)), () => new Uint8Array())
        )
        return Effect.firstSuccessOf([encrypting, ...others].map((cipher) => cipher.decrypt(bytes, associatedData)))
      }).pipe(
        Effect.map((decrypted) => Redacted.make(new TextDecoder().decode(decrypted))),
        Effect.tapError(() => warn(what, key, Redacted.value(payload))),
        Effect.option
      )

    return {
      ...withMac(backend, (secret) => Effect.map(sign(utf8(Redacted.value(secret))), (tag) => Encoding.encodeHex(tag))),
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
