import { PartnerKeys } from "@effect-spotnana/core"
import * as Effect from "effect/Effect"
import { Output } from "../output.ts"

export interface Input {
  readonly companyId: string
  readonly kid: string
  readonly json: boolean
}

/** Revokes a key. */
export const revoke = ({ companyId, json, kid }: Input) =>
  Effect.gen(function*() {
    const output = yield* Output
    yield* PartnerKeys.PartnerKeys.use((partnerKeys) => partnerKeys.revoke(companyId, kid))
    yield* json ? output.line(JSON.stringify({ kid, revoked: true })) : output.note(`${kid} is revoked`)
  })
