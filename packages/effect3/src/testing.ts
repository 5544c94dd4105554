/** Faults between an application and Spotnana. */
export * as Fault from "./testing/Fault.ts"
/** What the mock received. */
export type * as Ledger from "./testing/Ledger.ts"
/** A mock that answers like Spotnana, with faults on demand. */
export * as MockSpotnana from "./testing/MockSpotnana.ts"
/** How the mock behaves. */
export * as Settings from "./testing/Settings.ts"
