export * as Fault from "./Fault.ts"
export * as Ledger from "./Ledger.ts"
export * as MockSpotnana from "./MockSpotnana.ts"
export * as Settings from "./Settings.ts"
