import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Client } from "../data/client.ts"
import type { Registry, ScimClient } from "../data/registry.ts"
import { spotnanaError } from "./answer.ts"
import { Exchange } from "./exchange.ts"
import { invalidPage, Page } from "./page.ts"

type Handler<R = never> = Effect.Effect<HttpServerResponse.HttpServerResponse, never, Exchange | R>

const Create = Schema.Struct({
  role: Schema.optional(Schema.Literals(["TMC_ADMIN", "COMPANY_ADMIN"])),
  credentialType: Schema.optional(Schema.Literals(["CLIENT_CREDENTIALS", "SCIM_TOKEN"])),
  tmcId: Schema.optional(Schema.String),
  orgId: Schema.optional(Schema.String)
})

const Name = Schema.Struct({ clientId: Schema.String })

/** `POST /v2/api-users` */
export const create = (registry: Registry, quota: Effect.Effect<number>): Handler =>
  withBody(
    registry,
    Create,
    "a role of TMC_ADMIN or COMPANY_ADMIN and a credentialType of CLIENT_CREDENTIALS or SCIM_TOKEN",
    ({ credentialType, role = "TMC_ADMIN" }) =>
      Effect.gen(function*() {
        const { debugIdentifier } = yield* Exchange
        const isScim = credentialType === "SCIM_TOKEN"
        if (isScim && role !== "COMPANY_ADMIN") {
          return spotnanaError(debugIdentifier, {
            status: 400,
            errorCode: "INVALID_ARGUMENT",
            message: "The credentialType SCIM_TOKEN requires the role COMPANY_ADMIN"
          })
        }
        if (registry.clientIds().length >= (yield* quota)) {
          return spotnanaError(debugIdentifier, {
            status: 409,
            errorCode: "MAX_API_USERS_EXCEEDED",
            message: "Max users for this tmcId already exist"
          })
        }
        return isScim ? scimToken(yield* registry.createScim(role)) : credentials(yield* registry.create(role))
      })
  )

/** `GET /v2/api-users?offset&limit` */
export const list = (registry: Registry): Handler<HttpServerRequest.ParsedSearchParams> =>
  forAdmins(
    registry,
    Effect.gen(function*() {
      const { debugIdentifier } = yield* Exchange
      const page = Schema.decodeUnknownOption(Page)(yield* HttpServerRequest.ParsedSearchParams)
      if (Option.isNone(page)) return invalidPage(debugIdentifier)
      const { limit, offset } = page.value
      const clientIds = registry.clientIds()
      return HttpServerResponse.jsonUnsafe({
        apiUsers: clientIds.slice(offset, offset + limit).map((clientId) => ({ clientId })),
        totalCount: clientIds.length
      })
    })
  )

/** `POST /v2/api-users/rotate` */
export const rotate = (registry: Registry): Handler =>
  ofUser(registry, (clientId) =>
    registry.hasSecret(clientId)
      ? Effect.map(registry.rotate(clientId), credentials)
      // What Spotnana answers is not known.
      : Effect.map(Exchange, ({ debugIdentifier }) =>
        spotnanaError(debugIdentifier, {
          status: 400,
          errorCode: "INVALID_ARGUMENT",
          message: "This API user has a SCIM token and no secret"
        })))

/** `POST /v2/api-users/revoke` */
export const revoke = (registry: Registry): Handler =>
  ofUser(registry, (clientId) => Effect.as(registry.remove(clientId), HttpServerResponse.empty({ status: 204 })))

// Spotnana: a secret or a token is "only returned once".
const shown = (body: Readonly<Record<string, string>>) =>
  HttpServerResponse.jsonUnsafe(body, { headers: { "cache-control": "no-store" } })

const credentials = ({ clientId, clientSecret }: Client) =>
  shown({ clientId, clientSecret: Redacted.value(clientSecret) })

const scimToken = ({ clientId, scimToken }: ScimClient) => shown({ clientId, scimToken: Redacted.value(scimToken) })

const ofUser = (registry: Registry, handler: (clientId: string) => Handler): Handler =>
  withBody(registry, Name, "a clientId", ({ clientId }) =>
    registry.roleOf(clientId) === undefined
      ? Effect.map(Exchange, ({ debugIdentifier }) =>
        spotnanaError(debugIdentifier, { status: 404, errorCode: "API_USER_NOT_FOUND", message: "No such API user" }))
      : handler(clientId))

const withBody = <A>(
  registry: Registry,
  schema: Schema.Decoder<A>,
  expected: string,
  handler: (body: A) => Handler
): Handler =>
  forAdmins(
    registry,
    Effect.flatMap(Exchange, ({ body, debugIdentifier }) =>
      Option.match(Schema.decodeUnknownOption(Schema.fromJsonString(schema))(new TextDecoder().decode(body)), {
        onSome: handler,
        onNone: () =>
          Effect.succeed(
            spotnanaError(debugIdentifier, {
              status: 400,
              errorCode: "INVALID_ARGUMENT",
              message: `The body is JSON with ${expected}`
            })
          )
      }))
  )

const forAdmins = <R>(registry: Registry, handler: Handler<R>): Handler<R> =>
  Effect.flatMap(
    Exchange,
    ({ clientId, debugIdentifier }) =>
      clientId !== undefined && registry.roleOf(clientId) === "TMC_ADMIN"
        ? handler
        : Effect.succeed(
          spotnanaError(debugIdentifier, {
            status: 403,
            errorCode: "PERMISSION_DENIED",
            message: "Only a TMC admin may manage API users"
          })
        )
  )
