/**
 * The mock of Spotnana: how it answers a request, as plain functions of its state.
 *
 * The package for each version of Effect reads the request and the time, draws random digits, and sends the answer that
 * is decided here.
 *
 * @since 0.1.0
 */
import type * as Answer from "./Answer.ts"
import * as Api from "./Api.ts"
import * as ApiUsers from "./ApiUsers.ts"
import { authenticate } from "./Authentication.ts"
import * as EmbedPage from "./EmbedPage.ts"
import type { Exchange } from "./Exchange.ts"
import { textOf } from "./platform.ts"
import * as Routes from "./Routes.ts"
import type { Mock, State } from "./State.ts"
import { deprecatedTokenPath, embedPath, endpointOf, redactQuery, splitUrl, tokenPath } from "./Target.ts"
import type { Endpoint } from "./Target.ts"
import * as TokenEndpoint from "./TokenEndpoint.ts"

/**
 * A request of which so far only the target is known.
 *
 * @category models
 * @since 0.1.0
 */
export interface Arrival<Fault> extends Pick<Exchange, "endpoint" | "path" | "query" | "debugIdentifier"> {
  /** What goes wrong with it. */
  readonly fault: Fault | undefined
}

/**
 * Takes the next fault when a request arrives, before the request is read.
 *
 * @category routes
 * @since 0.1.0
 */
export const arrive = <Fault>({ faults, nextDebugIdentifier }: Mock<Fault>, url: string): Arrival<Fault> => {
  const { path, query } = splitUrl(url)
  const endpoint = endpointOf(path)
  return { endpoint, path, query, fault: faults[endpoint].take(), debugIdentifier: nextDebugIdentifier() }
}

/**
 * The exchange of a request that arrived and was read.
 *
 * @category constructors
 * @since 0.1.0
 */
export const exchange = (
  { debugIdentifier, endpoint, path, query }: Arrival<unknown>,
  request: Pick<Exchange, "method" | "headers" | "body" | "at" | "random">
): Exchange => {
  const { at, body, headers, method, random } = request
  return {
    endpoint,
    path,
    query,
    debugIdentifier,
    at,
    body,
    headers,
    method,
    random,
    clientId: undefined,
    user: undefined,
    token: undefined
  }
}

/**
 * The routes that the packages for every version of Effect have.
 *
 * @category routes
 * @since 0.1.0
 */
export const routes: ReadonlyArray<Routes.Route> = [
  [tokenPath, { POST: TokenEndpoint.answer }],
  [deprecatedTokenPath, { POST: Routes.gone }],
  [embedPath, { GET: EmbedPage.show }],
  ["/v2/companies", { GET: Api.listCompanies }],
  ["/v2/users/:userId", { GET: Api.getUser }],
  ["/v2/scim/Users", { GET: Api.listScimUsers }],
  ["/v2/echo", { POST: Api.echo }],
  ["/v2/api-users", { GET: ApiUsers.list, POST: ApiUsers.create }],
  ["/v2/api-users/rotate", { POST: ApiUsers.rotate }],
  ["/v2/api-users/revoke", { POST: ApiUsers.revoke }]
]

/**
 * The answer to a request without a fault. `own` are routes of the package, which
 * come before {@link routes}.
 *
 * @category routes
 * @since 0.1.0
 */
export const answer = <A = never>(
  state: State,
  exchange: Exchange,
  own: ReadonlyArray<Routes.Route<A>> = []
): A | Answer.Answer =>
  (exchange.endpoint === "api" ? authenticate(state.registry, exchange) : undefined) ??
    Routes.answer<A | Answer.Answer>([...own, ...routes], state, exchange)

/**
 * Records in the exchange which client sent a request that a fault answers in place of its route.
 *
 * @category routes
 * @since 0.1.0
 */
export const identify = ({ registry }: State, exchange: Exchange): void => {
  if (exchange.endpoint === "token") TokenEndpoint.read(exchange)
  if (exchange.endpoint === "api") authenticate(registry, exchange)
}

/**
 * What the ledger has of an exchange. `body` and `token` must not be printed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Entry
  extends Pick<Exchange, "endpoint" | "method" | "path" | "query" | "clientId" | "user" | "token" | "at">
{
  readonly debugIdentifier: string
  readonly body: string
}

/**
 * What the ledger has of an exchange that was answered.
 *
 * @category combinators
 * @since 0.1.0
 */
export const entry = (
  { at, body, clientId, debugIdentifier, endpoint, method, path, query, token, user }: Exchange
): Entry => ({
  endpoint,
  method,
  path,
  query: redactQuery(query),
  body: textOf(body),
  clientId,
  user,
  token,
  at,
  debugIdentifier
})

/**
 * How long an answer is delayed.
 *
 * @category combinators
 * @since 0.1.0
 */
export const latencyOf = <Duration>(
  endpoint: Endpoint,
  { apiLatency, tokenLatency }: { readonly apiLatency: Duration; readonly tokenLatency: Duration }
): Duration | undefined => endpoint === "other" ? undefined : endpoint === "token" ? tokenLatency : apiLatency
