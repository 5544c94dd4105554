/**
 * The routes of the mock of Spotnana for companies and users.
 *
 * @since 0.1.0
 */
import * as Answer from "./Answer.ts"
import * as Page from "./Page.ts"
import type { Handler } from "./Routes.ts"

/**
 * `GET /v2/companies?offset&limit`
 *
 * @category routes
 * @since 0.1.0
 */
export const listCompanies: Handler = ({ companies }, exchange) => {
  const page = Page.parse(exchange)
  if ("status" in page) return page
  const elements = companies.slice(page.offset, page.offset + page.limit)
  return Answer.json({ length: elements.length, elements, totalNumResults: companies.length })
}

/**
 * `GET /v2/users/:userId`
 *
 * @category routes
 * @since 0.1.0
 */
export const getUser: Handler = ({ users }, { debugIdentifier }, { userId }) =>
  userId !== undefined && users.includes(userId)
    ? Answer.json({ id: userId })
    : Answer.spotnanaError(debugIdentifier, { status: 404, errorCode: "USER_NOT_FOUND", message: "No such user" })

/**
 * `POST /v2/echo`, which the real Spotnana does not have.
 *
 * @category routes
 * @since 0.1.0
 */
export const echo: Handler = (_, { body, headers }) => Answer.make(body, { contentType: headers["content-type"] })

const listResponse = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
const user = "urn:ietf:params:scim:schemas:core:2.0:User"

/**
 * `GET /v2/scim/Users`: all of them, with as little as RFC 7643 and RFC 7644 §3.4.2 ask for.
 *
 * @category routes
 * @since 0.1.0
 */
export const listScimUsers: Handler = ({ users }) =>
  Answer.json({
    schemas: [listResponse],
    totalResults: users.length,
    startIndex: 1,
    itemsPerPage: users.length,
    Resources: users.map((id) => ({ schemas: [user], id, userName: `${id}@mock.example` }))
  }, { contentType: "application/scim+json" })
