/**
 * The public keys with which Spotnana verifies your subject tokens, if you have no JWKS URL.
 *
 * @since 0.1.0
 */
import { objectOfBody } from "@effect-spotnana/engine/Json"
import { checked } from "@effect-spotnana/engine/Options"
import { printable } from "@effect-spotnana/engine/Text"
import { hasDotSegment } from "@effect-spotnana/engine/Url"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { HttpClientError, HttpClientResponse } from "effect/http"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { AuthError } from "./AuthError.ts"
import { answeredWithout } from "./internal/answeredWithout.ts"
import { readBody } from "./internal/http/body.ts"
import { thumbprint } from "./SigningKey.ts"
import type { PublicJwk } from "./SigningKey.ts"
import { filterStatusOk } from "./SpotnanaApiError.ts"
import type { SpotnanaApiError } from "./SpotnanaApiError.ts"
import { SpotnanaHttpClient } from "./SpotnanaHttpClient.ts"

/**
 * A key that is registered at Spotnana.
 *
 * @category models
 * @since 0.1.0
 */
export interface PartnerKey {
  /** Names the key in the header of a token. */
  readonly kid: string
  /** `ACTIVE` or `REVOKED`; new values may appear at any time. */
  readonly status: string | undefined
  /** Spotnana's id for it, a UUID. */
  readonly id: string | undefined
  /** The organization that it belongs to, a UUID. */
  readonly orgId: string | undefined
  readonly createdAt: DateTime.Utc | undefined
  /** RFC 7638, as Spotnana computed it. */
  readonly thumbprint: string | undefined
}

/**
 * Spotnana registered another key than the one that was sent.
 *
 * **Details**
 *
 * Tokens that are signed with that other key are accepted, and yours are not.
 *
 * @category errors
 * @since 0.1.0
 */
export class PartnerKeyMismatch extends Schema.TaggedError<PartnerKeyMismatch>()("PartnerKeyMismatch", {
  /** What happened and what to do. */
  message: Schema.String,
  /** The name that the other key is registered under. */
  kid: Schema.String,
  /** The thumbprint of the key that was sent. */
  expected: Schema.String,
  /** The thumbprint that Spotnana answered with. */
  actual: Schema.String
}) {}

/**
 * What can go wrong with a call.
 *
 * @category models
 * @since 0.1.0
 */
export type PartnerKeysError = HttpClientError.HttpClientError | AuthError | SpotnanaApiError

/**
 * Spotnana's endpoints for the public keys of a partner. They need the client of
 * a TMC or company administrator.
 *
 * **Details**
 *
 * `companyId` is the id of the partner's organization, a UUID. A `companyId` or
 * `kid` that cannot be a segment of a path (empty, `.` or `..`) throws a
 * `RangeError`.
 *
 * @see {@link layer}
 * @category services
 * @since 0.1.0
 */
export class PartnerKeys extends Context.Service<PartnerKeys, {
  /** The keys of one status (`GET /v2/companies/{companyId}/partner-public-keys`). Default: `ACTIVE`. */
  readonly list: (
    companyId: string,
    options?: { readonly status?: "ACTIVE" | "REVOKED" | undefined }
  ) => Effect.Effect<ReadonlyArray<PartnerKey>, PartnerKeysError>
  /**
   * Registers a key (`POST /v2/companies/{companyId}/partner-public-keys`), and compares its thumbprint with the one in
   * Spotnana's answer. `SigningKey.publicJwk` makes the public key. Only its six members are sent.
   */
  readonly add: (
    companyId: string,
    key: PublicJwk
  ) => Effect.Effect<PartnerKey, PartnerKeysError | PartnerKeyMismatch>
  /**
   * Revokes a key (`DELETE /v2/companies/{companyId}/partner-public-keys/{kid}`): from then on, tokens signed with it
   * are refused. For an unknown `kid` it fails with a `SpotnanaApiError` of status 404.
   */
  readonly revoke: (companyId: string, kid: string) => Effect.Effect<void, PartnerKeysError>
}>()("@effect-spotnana/core/PartnerKeys") {}

// An answer is a few hundred bytes for each key.
const maxBodySize = 1_048_576

const segment = (name: string, value: string): string =>
  encodeURIComponent(
    checked(
      `PartnerKeys.${name}`,
      value,
      Predicate.isString(value) && !/\p{Cs}/u.test(value) && value !== "" && !hasDotSegment(`/${value}`),
      "an id that can be a segment of a path"
    )
  )

const pathOf = (companyId: string): string => `/v2/companies/${segment("companyId", companyId)}/partner-public-keys`

/**
 * The keys as seen by the client of an administrator.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (administrator: SpotnanaHttpClient["Service"]): PartnerKeys["Service"] => {
  const client = filterStatusOk(administrator)
  const execute = (request: () => HttpClientRequest.HttpClientRequest) =>
    Effect.suspend(() => client.execute(request()))

  return {
    list: (companyId, { status } = {}) =>
      Effect.flatMap(
        execute(() =>
          HttpClientRequest.get(pathOf(companyId), {
            acceptJson: true,
            urlParams: status === undefined ? {} : { status }
          })
        ),
        readKeys
      ),
    add: (companyId, key) =>
      Effect.gen(function*() {
        const { alg, e, kid, kty, n, use } = key
        // Checked first: a key whose `kid` cannot be a segment of a path could not be revoked.
        segment("kid", kid)
        const response = yield* execute(() =>
          HttpClientRequest.post(pathOf(companyId), { acceptJson: true }).pipe(
            HttpClientRequest.bodyJsonUnsafe({ keyType: "JWKS", jwks: { keys: [{ kty, use, alg, kid, n, e }] } })
          )
        )
        // An older key of this name, which was revoked, may be in the answer too.
        const added = (yield* readKeys(response)).find((answered) =>
          answered.kid === kid && answered.status !== "REVOKED"
        )
        if (added === undefined) return yield* malformed(response, "the key that was added")
        const expected = yield* thumbprint(key)
        if (added.thumbprint !== undefined && added.thumbprint !== expected) {
          return yield* mismatch(kid, expected, printable(added.thumbprint, []))
        }
        return added
      }),
    revoke: (companyId, kid) =>
      Effect.asVoid(execute(() => HttpClientRequest.delete(`${pathOf(companyId)}/${segment("kid", kid)}`)))
  }
}

const readKeys = (response: HttpClientResponse.HttpClientResponse) =>
  Effect.flatMap(readBody(response, maxBodySize), (body) => {
    const json = objectOfBody(body)
    // Every member of the answer may be absent, and a server may leave out a list that is empty.
    const keys = json === undefined ? undefined : json.keys ?? []
    return Array.isArray(keys)
      ? Effect.succeed(keys.flatMap(partnerKeyOf))
      : malformed(response, "a list of keys")
  })

const partnerKeyOf = (json: unknown): ReadonlyArray<PartnerKey> => {
  if (!Predicate.isObject(json)) return []
  const { createdAt, kid, ...rest } = json as { readonly [name: string]: unknown }
  if (!Predicate.isString(kid) || kid === "") return []
  const textOf = (name: string) => Predicate.isString(rest[name]) && rest[name] !== "" ? rest[name] : undefined
  return [{
    kid,
    status: textOf("status"),
    id: textOf("id"),
    orgId: textOf("orgId"),
    createdAt: Predicate.isString(createdAt) ? Option.getOrUndefined(DateTime.make(createdAt)) : undefined,
    thumbprint: textOf("thumbprint")
  }]
}

const mismatch = (kid: string, expected: string, actual: string) =>
  Effect.fail(
    new PartnerKeyMismatch({
      kid,
      expected,
      actual,
      message:
        `Under the kid ${
          printable(kid, [])
        }, Spotnana registered another key than the one that was sent: its thumbprint ` +
        `is ${actual}, and not ${expected}. Revoke it with PartnerKeys.revoke, and add yours under another kid. If it ` +
        "happens again, something between this process and Spotnana changes requests."
    })
  )

const malformed = (response: HttpClientResponse.HttpClientResponse, expected: string) =>
  answeredWithout(response, expected, { of: "partner keys", list: "PartnerKeys.list" })

/**
 * The partner keys that an administrator manages.
 *
 * **Example** (Which keys are active?)
 *
 * ```ts
 * import { PartnerKeys, SpotnanaHttpClient } from "@effect-spotnana/core"
 * import { Console, Effect, Layer } from "effect"
 * import { FetchHttpClient } from "effect/http"
 *
 * const program = Effect.gen(function*() {
 *   const partnerKeys = yield* PartnerKeys.PartnerKeys
 *   yield* Console.log(yield* partnerKeys.list("4974a66b-7493-4f41-908c-58ba81093947"))
 * })
 *
 * const Administrator = PartnerKeys.layer.pipe(
 *   Layer.provide(SpotnanaHttpClient.layerConfig()),
 *   Layer.provide(FetchHttpClient.layer)
 * )
 *
 * const runnable = Effect.provide(program, Administrator)
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
// Fresh, because a memoised layer in a `LayerMap` would give the service of the first tenant to all tenants.
export const layer: Layer.Layer<PartnerKeys, never, SpotnanaHttpClient> = /* #__PURE__ */ Layer.fresh(
  /* #__PURE__ */ Layer.effect(PartnerKeys, /* #__PURE__ */ Effect.map(SpotnanaHttpClient, make))
)
