import * as Context from "effect/Context"
import type { Backend } from "./contract.ts"
import type { Share } from "./sharing.ts"

/**
 * The store that a `TokenProvider` shares its token through, if there is one.
 *
 * @see `TokenStore.layer` for a store of your own
 * @category services
 * @since 0.1.0
 */
// In a module of its own: a program without a store loads nothing of one.
export class TokenStore extends Context.Service<TokenStore, {
  /** Where the token is stored. */
  readonly backend: Backend
  /** How the processes share it. */
  readonly share: Share
}>()("@effect-spotnana/core/TokenStore") {}
