import * as Effect from "effect/Effect"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { spotnanaError } from "./answer.ts"

/** A whole number in a query, from 0 to `maximum`. */
const count = (maximum: number, otherwise: number) =>
  Schema.String.check(Schema.isPattern(/^\d+$/)).pipe(
    Schema.decodeTo(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum })), SchemaTransformation.numberFromString),
    Schema.withDecodingDefaultKey(Effect.succeed(String(otherwise)))
  )

/** `offset` and `limit`, as every list of Spotnana takes them. */
export const Page = Schema.Struct({ offset: count(0x7fff_ffff, 0), limit: count(100, 100) })

/** The answer to an `offset` or a `limit` that is not valid. */
export const invalidPage = (debugIdentifier: string): HttpServerResponse.HttpServerResponse =>
  spotnanaError(debugIdentifier, {
    status: 400,
    errorCode: "INVALID_ARGUMENT",
    message: "offset is a whole number from 0, limit one from 0 to 100"
  })
