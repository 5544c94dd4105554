import { PartnerKeys } from "@effect-spotnana/core"
import type { SigningKey } from "@effect-spotnana/core"
import * as Effect from "effect/Effect"
import { exitCode, Failure } from "../exitCode.ts"
import { Output } from "../output.ts"
import { toJson } from "./list.ts"

export interface Input {
  readonly companyId: string
  readonly json: boolean
}

/** Registers a public key, and prints its name. */
export const add = (publicKey: SigningKey.PublicJwk, { companyId, json }: Input) =>
  Effect.gen(function*() {
    const output = yield* Output
    const added = yield* PartnerKeys.PartnerKeys.use((partnerKeys) => partnerKeys.add(companyId, publicKey))
    yield* output.line(json ? JSON.stringify(toJson(added)) : added.kid)
  }).pipe(Effect.catchTag("PartnerKeyMismatch", ({ actual, expected, kid }) =>
    new Failure({
      message:
        `Spotnana registered another key than the one that was sent, under the kid ${kid}: its thumbprint is ${actual}, and not ` +
        `${expected}. Spotnana now accepts tokens of that other key. Revoke it: spotnana-auth keys revoke`,
      exitCode: exitCode.fault
    })))
