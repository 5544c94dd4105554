/**
 * The routes of the mock of Spotnana for API users.
 *
 * @since 0.1.0
 */
import { objectOfText } from "../Json.ts"
import type { JsonObject } from "../Json.ts"
import * as Answer from "./Answer.ts"
import type { Exchange } from "./Exchange.ts"
import * as Page from "./Page.ts"
import { textOf } from "./platform.ts"
import type { Handler } from "./Routes.ts"
import type { State } from "./State.ts"

const invalid = ({ debugIdentifier }: Exchange, message: string): Answer.Answer =>
  Answer.spotnanaError(debugIdentifier, { status: 400, errorCode: "INVALID_ARGUMENT", message })

const forAdmins = (handler: Handler): Handler => (state, exchange, params) =>
  exchange.clientId !== undefined && state.registry.roleOf(exchange.clientId) === "TMC_ADMIN"
    ? handler(state, exchange, params)
    : Answer.spotnanaError(exchange.debugIdentifier, {
      status: 403,
      errorCode: "PERMISSION_DENIED",
      message: "Only a TMC admin may manage API users"
    })

/** A handler of a body that `decode` knows. */
const withBody = <A>(
  decode: (body: JsonObject) => A | undefined,
  expected: string,
  handler: (state: State, exchange: Exchange, body: A) => Answer.Answer
): Handler =>
  forAdmins((state, exchange) => {
    const object = objectOfText(textOf(exchange.body))
    const body = object === undefined ? undefined : decode(object)
    return body === undefined
      ? invalid(exchange, `The body is JSON with ${expected}`)
      : handler(state, exchange, body)
  })

const isOneOf = <const A extends string>(value: unknown, values: ReadonlyArray<A>): value is A =>
  values.some((one) => one === value)

const isOptionalText = (value: unknown): boolean => value === undefined || typeof value === "string"

const decodeCreate = ({ credentialType = "CLIENT_CREDENTIALS", orgId, role = "TMC_ADMIN", tmcId }: JsonObject) =>
  isOneOf(role, ["TMC_ADMIN", "COMPANY_ADMIN"]) && isOneOf(credentialType, ["CLIENT_CREDENTIALS", "SCIM_TOKEN"]) &&
    isOptionalText(tmcId) && isOptionalText(orgId)
    ? { role, isScim: credentialType === "SCIM_TOKEN" }
    : undefined

/**
 * `POST /v2/api-users`
 *
 * @category routes
 * @since 0.1.0
 */
export const create: Handler = withBody(
  decodeCreate,
  "a role of TMC_ADMIN or COMPANY_ADMIN and a credentialType of CLIENT_CREDENTIALS or SCIM_TOKEN",
  ({ registry, settings }, exchange, { isScim, role }) => {
    if (isScim && role !== "COMPANY_ADMIN") {
      return invalid(exchange, "The credentialType SCIM_TOKEN requires the role COMPANY_ADMIN")
    }
    if (registry.clientIds().length >= settings().apiUserQuota) {
      return Answer.spotnanaError(exchange.debugIdentifier, {
        status: 409,
        errorCode: "MAX_API_USERS_EXCEEDED",
        message: "Max users for this tmcId already exist"
      })
    }
    // Spotnana: a secret or a token is "only returned once".
    return Answer.secret(isScim ? registry.createScim(role, exchange.random) : registry.create(role, exchange.random))
  }
)

/**
 * `GET /v2/api-users?offset&limit`
 *
 * @category routes
 * @since 0.1.0
 */
export const list: Handler = forAdmins(({ registry }, exchange) => {
  const page = Page.parse(exchange)
  if ("status" in page) return page
  const clientIds = registry.clientIds()
  return Answer.json({
    apiUsers: clientIds.slice(page.offset, page.offset + page.limit).map((clientId) => ({ clientId })),
    totalCount: clientIds.length
  })
})

const ofUser = (handler: (state: State, exchange: Exchange, clientId: string) => Answer.Answer): Handler =>
  withBody(
    ({ clientId }) => typeof clientId === "string" ? clientId : undefined,
    "a clientId",
    (state, exchange, clientId) =>
      state.registry.roleOf(clientId) === undefined
        ? Answer.spotnanaError(exchange.debugIdentifier, {
          status: 404,
          errorCode: "API_USER_NOT_FOUND",
          message: "No such API user"
        })
        : handler(state, exchange, clientId)
  )

/**
 * `POST /v2/api-users/rotate`
 *
 * @category routes
 * @since 0.1.0
 */
export const rotate: Handler = ofUser(({ registry }, exchange, clientId) =>
  registry.hasSecret(clientId)
    ? Answer.secret(registry.rotate(clientId, exchange.random))
    // What Spotnana answers is not known.
    : invalid(exchange, "This API user has a SCIM token and no secret")
)

/**
 * `POST /v2/api-users/revoke`
 *
 * @category routes
 * @since 0.1.0
 */
export const revoke: Handler = ofUser(({ registry }, _, clientId) => {
  registry.remove(clientId)
  return Answer.empty(204)
})
