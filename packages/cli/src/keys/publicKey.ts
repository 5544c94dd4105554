import { SigningKey } from "@effect-spotnana/core"
import * as Effect from "effect/Effect"
import { usageFailure } from "../exitCode.ts"
import type { Failure } from "../exitCode.ts"

const isPrivate = (text: string): boolean => {
  if (/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(text)) return true
  try {
    const jwk: unknown = JSON.parse(text)
    return typeof jwk === "object" && jwk !== null && ["d", "p", "q", "k"].some((member) => member in jwk)
  } catch {
    return false
  }
}

/** The public key in the text of a file. A private key of any kind is refused. */
export const parsePublicKey = (
  name: string,
  text: string,
  kid: string | undefined
): Effect.Effect<SigningKey.PublicJwk, Failure> =>
  isPrivate(text)
    ? Effect.fail(usageFailure(
      `${name} has a private key, which must stay secret. Nothing was sent. Give the public key: ` +
        "spotnana-auth keys generate prints it, or openssl pkey -pubout."
    ))
    : Effect.mapError(
      SigningKey.publicJwk({ publicKey: text, kid }),
      ({ message }) => usageFailure(`${name}: ${message} Nothing was sent.`)
    )
