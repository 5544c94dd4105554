/**
 * Spotnana's API users, each with a client id and a client secret, and API users for SCIM, each with a token.
 *
 * @since 0.1.0
 */
import { objectOfBody } from "@effect-spotnana/engine/Json"
import { credentialProblem } from "@effect-spotnana/engine/Text"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { HttpClientError, HttpClientResponse } from "effect/http"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { AuthError } from "./AuthError.ts"
import type { ClientCredentials } from "./Credentials.ts"
import { answeredWithout } from "./internal/answeredWithout.ts"
import { readBody } from "./internal/http/body.ts"
import { filterStatusOk } from "./SpotnanaApiError.ts"
import type { SpotnanaApiError } from "./SpotnanaApiError.ts"
import { SpotnanaHttpClient } from "./SpotnanaHttpClient.ts"

/**
 * Options of a new API user. If an option is absent, Spotnana's default applies.
 *
 * @category models
 * @since 0.1.0
 */
export interface CreateOptions extends ScimTokenOptions {
  /** What it may do. Default: `TMC_ADMIN`. */
  readonly role?: "TMC_ADMIN" | "COMPANY_ADMIN" | undefined
}

/**
 * The TMC and the organization of a new API user for SCIM. The user is a company
 * administrator: Spotnana allows no other role.
 *
 * @category models
 * @since 0.1.0
 */
export interface ScimTokenOptions {
  /** The travel management company that it belongs to. */
  readonly tmcId?: string | undefined
  /** The organization that it belongs to. */
  readonly orgId?: string | undefined
}

/**
 * An API user for SCIM, and its token.
 *
 * @category models
 * @since 0.1.0
 */
export interface ScimToken {
  /** Identifies the API user, for example in order to revoke it. It is not a secret. */
  readonly clientId: string
  /** The bearer token for `/v2/scim/…`. It is valid until the user is revoked; see `ScimHttpClient`. */
  readonly scimToken: Redacted.Redacted
}

/**
 * What can go wrong with a call.
 *
 * @category models
 * @since 0.1.0
 */
export type ApiUsersError = HttpClientError.HttpClientError | AuthError | SpotnanaApiError

/**
 * Spotnana's endpoints for API users. They need the client of a TMC
 * administrator.
 *
 * **Details**
 *
 * A secret is shown only once, in the answer that creates it. It is `Redacted`, and
 * no error contains the body of an answer that cannot be parsed.
 *
 * @see {@link layer}
 * @category services
 * @since 0.1.0
 */
export class ApiUsers extends Context.Service<ApiUsers, {
  /**
   * Creates an API user (`POST /v2/api-users`). A TMC has at most five, unless Spotnana allows more. The error for one
   * too many has the status 409.
   */
  readonly create: (options?: CreateOptions) => Effect.Effect<ClientCredentials, ApiUsersError>
  /**
   * Creates an API user for SCIM (`POST /v2/api-users` with the credential type `SCIM_TOKEN`). It gets a token for
   * `/v2/scim/…` instead of a secret, and counts towards the quota like other API users. `revoke` deletes the API user,
   * and the token becomes invalid.
   */
  readonly createScimToken: (options?: ScimTokenOptions) => Effect.Effect<ScimToken, ApiUsersError>
  /**
   * The client ids of every active API user of the TMC (`GET /v2/api-users`, all pages), each once. If the list has not
   * ended after 100 pages, it fails with `SpotnanaApiError`.
   */
  readonly list: Effect.Effect<ReadonlyArray<string>, ApiUsersError>
  /**
   * Makes a new secret for an API user (`POST /v2/api-users/rotate`). The old secret and every token of that user
   * become invalid at once. To rotate without a lost request, use `ApiUserRotation.rotate`. For an unknown id it fails
   * with a `SpotnanaApiError` of status 404.
   */
  readonly rotateSecret: (clientId: string) => Effect.Effect<ClientCredentials, ApiUsersError>
  /**
   * Deletes an API user for ever (`POST /v2/api-users/revoke`). Its secret and all its tokens become invalid at once.
   * For an unknown id it fails with a `SpotnanaApiError` of status 404.
   */
  readonly revoke: (clientId: string) => Effect.Effect<void, ApiUsersError>
}>()("@effect-spotnana/core/ApiUsers") {}

const pageSize = 100

// With pages of 10, that is a list of 1,000. Five API users are usual.
const maxPages = 100

// An answer has a few hundred bytes, a full page of ids a few thousand.
const maxBodySize = 1_048_576

/**
 * The API users as seen by the client of an administrator.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (administrator: SpotnanaHttpClient["Service"]): ApiUsers["Service"] => {
  const client = filterStatusOk(administrator)
  const call = (path: string, body: Readonly<Record<string, string | undefined>>) =>
    client.execute(
      HttpClientRequest.post(path, { acceptJson: true }).pipe(HttpClientRequest.bodyJsonUnsafe(body))
    )
  const list: ApiUsers["Service"]["list"] = Effect.gen(function*() {
    const clientIds = new Set<string>()
    let offset = 0
    for (let number = 1;; number++) {
      const response = yield* client.execute(
        HttpClientRequest.get("/v2/api-users", { acceptJson: true, urlParams: { offset, limit: pageSize } })
      )
      const { apiUsers, totalCount } = yield* readJson(response)
      if (!Array.isArray(apiUsers)) return yield* malformed(response, "a list of API users")
      const known = clientIds.size
      for (const user of apiUsers) {
        if (Predicate.isObject(user) && "clientId" in user && Predicate.isString(user.clientId)) {
          clientIds.add(user.clientId)
        }
      }
      // A server may send shorter pages, or ignore the offset. So the list ends after a page without new ids. It ends
      // earlier if a page is not full and there are as many ids as the server said.
      const isLast = clientIds.size === known || apiUsers.length < pageSize && clientIds.size === totalCount
      if (isLast) return [...clientIds]
      if (number === maxPages) return yield* malformed(response, `an end of the list, after ${maxPages} pages`)
      offset += apiUsers.length
    }
  })

  return {
    create: ({ orgId, role, tmcId } = {}) =>
      Effect.flatMap(call("/v2/api-users", { role, tmcId, orgId }), readCredentials),
    createScimToken: ({ orgId, tmcId } = {}) =>
      Effect.flatMap(
        call("/v2/api-users", { credentialType: "SCIM_TOKEN", role: "COMPANY_ADMIN", tmcId, orgId }),
        readScimToken
      ),
    list,
    rotateSecret: (clientId) => Effect.flatMap(call("/v2/api-users/rotate", { clientId }), readCredentials),
    revoke: (clientId) => Effect.asVoid(call("/v2/api-users/revoke", { clientId }))
  }
}

const readJson = (response: HttpClientResponse.HttpClientResponse) =>
  Effect.flatMap(readBody(response, maxBodySize), (body) => {
    const json = objectOfBody(body)
    return json === undefined ? malformed(response, "a JSON object") : Effect.succeed(json)
  })

/** Reads the id of a user, and its secret or token. A value that no server can accept counts as missing. */
const readShown = (response: HttpClientResponse.HttpClientResponse, name: "clientSecret" | "scimToken", what: string) =>
  Effect.flatMap(readJson(response), ({ clientId, [name]: shown }) =>
    isUsable(clientId) && isUsable(shown)
      ? Effect.succeed([clientId, Redacted.make(shown, { label: name })] as const)
      : malformed(response, `a client id and a ${what}`))

const isUsable = (value: unknown): value is string => credentialProblem("", value) === undefined

const readCredentials = (response: HttpClientResponse.HttpClientResponse) =>
  Effect.map(
    readShown(response, "clientSecret", "client secret"),
    ([clientId, clientSecret]): ClientCredentials => ({ clientId, clientSecret })
  )

const readScimToken = (response: HttpClientResponse.HttpClientResponse) =>
  Effect.map(
    readShown(response, "scimToken", "SCIM token"),
    ([clientId, scimToken]): ScimToken => ({ clientId, scimToken })
  )

const malformed = (response: HttpClientResponse.HttpClientResponse, expected: string) =>
  answeredWithout(response, expected, { of: "API users", list: "the list of API users" })

/**
 * The API users of an administrator's TMC.
 *
 * **Example** (Which API users are there?)
 *
 * ```ts
 * import { ApiUsers, SpotnanaHttpClient } from "@effect-spotnana/core"
 * import { Console, Effect, Layer } from "effect"
 * import { FetchHttpClient } from "effect/http"
 *
 * const program = Effect.gen(function*() {
 *   const apiUsers = yield* ApiUsers.ApiUsers
 *   yield* Console.log(yield* apiUsers.list)
 * })
 *
 * const Administrator = ApiUsers.layer.pipe(
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
export const layer: Layer.Layer<ApiUsers, never, SpotnanaHttpClient> = /* #__PURE__ */ Layer.fresh(
  /* #__PURE__ */ Layer.effect(ApiUsers, /* #__PURE__ */ Effect.map(SpotnanaHttpClient, make))
)
