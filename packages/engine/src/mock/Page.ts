/**
 * `offset` and `limit`, as every list of the mock of Spotnana takes them.
 *
 * @since 0.1.0
 */
import * as Answer from "./Answer.ts"
import type { Exchange } from "./Exchange.ts"
import { searchParams } from "./platform.ts"

/**
 * Which part of a list is asked for.
 *
 * @category models
 * @since 0.1.0
 */
export interface Page {
  readonly offset: number
  readonly limit: number
}

/** A whole number in a query, from 0 to `maximum`. */
const count = (values: ReadonlyArray<string>, maximum: number, otherwise: number): number | undefined => {
  const [value = String(otherwise), ...more] = values
  return more.length === 0 && /^\d+$/.test(value) && Number(value) <= maximum ? Number(value) : undefined
}

/**
 * The page that a query names, or the answer to an `offset` or a `limit` that is not valid.
 *
 * @category decoding
 * @since 0.1.0
 */
export const parse = ({ debugIdentifier, query }: Exchange): Page | Answer.Answer => {
  const params = searchParams(query)
  const offset = count(params.getAll("offset"), 0x7fff_ffff, 0)
  const limit = count(params.getAll("limit"), 100, 100)
  return offset === undefined || limit === undefined
    ? Answer.spotnanaError(debugIdentifier, {
      status: 400,
      errorCode: "INVALID_ARGUMENT",
      message: "offset is a whole number from 0, limit one from 0 to 100"
    })
    : { offset, limit }
}
