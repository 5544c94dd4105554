import { PartnerKeys } from "@effect-spotnana/core"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Output } from "../output.ts"

export interface Input {
  readonly companyId: string
  readonly status: Option.Option<"ACTIVE" | "REVOKED">
  readonly json: boolean
}

/** A key as JSON. Fields that Spotnana does not send are absent. */
export const toJson = ({ createdAt, ...key }: PartnerKeys.PartnerKey) => ({
  ...key,
  createdAt: createdAt === undefined ? undefined : DateTime.formatIso(createdAt)
})

const toLine = ({ createdAt, kid, status, thumbprint }: PartnerKeys.PartnerKey): string =>
  [kid, status ?? "-", createdAt === undefined ? "-" : DateTime.formatIso(createdAt), thumbprint ?? "-"].join(" ")

/** Prints the keys of an organization. */
export const list = ({ companyId, json, status }: Input) =>
  Effect.gen(function*() {
    const output = yield* Output
    const keys = yield* PartnerKeys.PartnerKeys.use((partnerKeys) =>
      partnerKeys.list(companyId, { status: Option.getOrUndefined(status) })
    )
    yield* json
      ? output.line(JSON.stringify({ keys: keys.map(toJson) }))
      : Effect.forEach(keys, (key) => output.line(toLine(key)), { discard: true })
  })
