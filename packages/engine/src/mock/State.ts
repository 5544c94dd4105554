/**
 * What the mock of Spotnana knows.
 *
 * @since 0.1.0
 */
import type { FaultQueue } from "./FaultQueue.ts"
import * as Faults from "./FaultQueue.ts"
import * as PartnerKeys from "./PartnerKeys.ts"
import * as Registry from "./Registry.ts"
import type { Settings } from "./Settings.ts"
import type { Endpoint } from "./Target.ts"

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

/**
 * The state that the routes read and change.
 *
 * @category models
 * @since 0.1.0
 */
export interface State {
  readonly registry: Registry.Registry
  readonly partnerKeys: PartnerKeys.PartnerKeys
  /** The current settings. */
  readonly settings: () => Settings
  readonly companies: ReadonlyArray<Reference>
  /** The ids that `/v2/users/{userId}` knows. */
  readonly users: ReadonlyArray<string>
}

/**
 * The whole state of a mock. `Fault` is the type of faults in the package.
 *
 * @category models
 * @since 0.1.0
 */
export interface Mock<Fault> extends State {
  readonly faults: Readonly<Record<Endpoint, FaultQueue<Fault>>>
  readonly nextDebugIdentifier: () => string
}

/**
 * The companies that a mock lists by default: 120, so that they do not fit in one page.
 *
 * @category constants
 * @since 0.1.0
 */
export const companies: ReadonlyArray<Reference> = Array.from({ length: 120 }, (_, index) => ({
  id: `00000000-0000-4000-8000-${String(index + 1).padStart(12, "0")}`,
  name: `Company ${index + 1}`
}))

/**
 * The ids of the users that a mock knows by default.
 *
 * @category constants
 * @since 0.1.0
 */
export const users: ReadonlyArray<string> = ["00000000-0000-4000-9000-000000000001"]

/**
 * A mock without clients.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <Fault>(options: {
  readonly settings: () => Settings
  readonly companies?: ReadonlyArray<Reference> | undefined
  readonly users?: ReadonlyArray<string> | undefined
}): Mock<Fault> => {
  let serial = 0
  return {
    registry: Registry.make(),
    partnerKeys: PartnerKeys.make(),
    settings: options.settings,
    companies: options.companies ?? companies,
    users: options.users ?? users,
    faults: { token: Faults.make(), api: Faults.make(), other: Faults.make() },
    nextDebugIdentifier: () => `mock-debug-${++serial}`
  }
}
