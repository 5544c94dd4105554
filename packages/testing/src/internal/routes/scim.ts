import * as HttpServerResponse from "effect/http/HttpServerResponse"

const listResponse = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
const user = "urn:ietf:params:scim:schemas:core:2.0:User"

/** `GET /v2/scim/Users`: all of them, with as little as RFC 7643 and RFC 7644 §3.4.2 ask for. */
export const listUsers = (users: ReadonlyArray<string>): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe({
    schemas: [listResponse],
    totalResults: users.length,
    startIndex: 1,
    itemsPerPage: users.length,
    Resources: users.map((id) => ({ schemas: [user], id, userName: `${id}@mock.example` }))
  }, { contentType: "application/scim+json" })
