import * as Schema from "effect/Schema"

/**
 * A store that did not do what it was asked to do. It never reaches callers: the process goes on by itself.
 *
 * @category errors
 * @since 0.1.0
 */
export class TokenStoreError extends Schema.TaggedError<TokenStoreError>()("TokenStoreError", {
  /** What happened and what to do. */
  message: Schema.String,
  /** What the store failed with. */
  cause: Schema.optional(Schema.Defect())
}) {}
