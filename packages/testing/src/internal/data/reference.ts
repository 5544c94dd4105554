/**
 * An element of the answer of `/v2/companies`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reference {
  /** A UUID. */
  readonly id: string
  readonly name: string
}
