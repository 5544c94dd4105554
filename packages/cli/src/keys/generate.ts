import { SigningKey } from "@effect-spotnana/core"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import { Output } from "../output.ts"
import { reserve } from "../reserve.ts"

export interface Input {
  readonly writeFile: string
  readonly bits: number
  readonly json: boolean
}

/** Writes a new private key into a file, and prints its public key. */
export const generate = ({ bits, json, writeFile }: Input) =>
  Effect.gen(function*() {
    const output = yield* Output
    const write = yield* reserve(writeFile)
    const { privateKey } = yield* SigningKey.generate({ modulusLength: bits })
    const publicKey = yield* Effect.orDie(SigningKey.publicJwk({ privateKey }))
    const thumbprint = yield* SigningKey.thumbprint(publicKey)
    const pem = Redacted.value(privateKey)
    yield* write(Predicate.isString(pem) ? `${pem.trim()}\n` : JSON.stringify(pem))
    if (json) return yield* output.line(JSON.stringify({ kid: publicKey.kid, thumbprint, publicKey }))
    yield* output.note(`kid ${publicKey.kid}, the RFC 7638 thumbprint`)
    yield* output.line(JSON.stringify(publicKey))
  }).pipe(Effect.scoped)
