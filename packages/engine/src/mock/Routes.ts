/**
 * Which function of the mock of Spotnana answers a request.
 *
 * @since 0.1.0
 */
import * as Answer from "./Answer.ts"
import type { Exchange } from "./Exchange.ts"
import type { State } from "./State.ts"
import { tokenPath } from "./Target.ts"

/**
 * The parameters in a path, decoded.
 *
 * @category models
 * @since 0.1.0
 */
export type Params = Readonly<Record<string, string>>

/**
 * Answers a request to one path with one method.
 *
 * @category models
 * @since 0.1.0
 */
export type Handler<A = Answer.Answer> = (state: State, exchange: Exchange, params: Params) => A

/**
 * What answers at a path, by method. A segment `:name` of the path is a parameter.
 *
 * @category models
 * @since 0.1.0
 */
export type Route<A = Answer.Answer> = readonly [path: string, handlers: Readonly<Record<string, Handler<A>>>]

const decoded = (segment: string): string | undefined => {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

/**
 * The parameters of a path, if the route matches it. Slashes must match exactly, so that a client that joins URLs
 * wrongly is noticed.
 */
const match = (pattern: string, path: string): Params | undefined => {
  const names = pattern.split("/")
  const segments = path.split("/")
  if (names.length !== segments.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, name] of names.entries()) {
    const segment = segments[index]!
    if (!name.startsWith(":")) {
      if (name !== segment) return undefined
      continue
    }
    const value = decoded(segment)
    if (value === undefined || value === "") return undefined
    params[name.slice(1)] = value
  }
  return params
}

/**
 * The answer of the first route for the path: 404 if there is none, and 405 if it
 * has no such method.
 *
 * @category routes
 * @since 0.1.0
 */
export const answer = <A>(
  routes: ReadonlyArray<Route<A>>,
  state: State,
  exchange: Exchange
): A | Answer.Answer => {
  const { debugIdentifier, method, path } = exchange
  for (const [pattern, handlers] of routes) {
    const params = match(pattern, path)
    if (params === undefined) continue
    const handler = handlers[method]
    if (handler !== undefined) return handler(state, exchange, params)
    const allowed = Object.keys(handlers).join(", ")
    return Answer.spotnanaError(debugIdentifier, {
      status: 405,
      errorCode: "METHOD_NOT_ALLOWED",
      message: `This path allows ${allowed}`,
      headers: { allow: allowed }
    })
  }
  return Answer.spotnanaError(debugIdentifier, { status: 404, errorCode: "NOT_FOUND", message: "No such path" })
}

/**
 * `POST /get-auth-token`
 *
 * @category routes
 * @since 0.1.0
 */
export const gone: Handler = (_, { debugIdentifier }) =>
  Answer.spotnanaError(debugIdentifier, {
    status: 410,
    errorCode: "ENDPOINT_DEPRECATED",
    message: `This endpoint is deprecated: obtain a new client id and secret and use ${tokenPath}`
  })
