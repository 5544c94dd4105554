/** A store without Effect: times are milliseconds, secrets are strings, and what is absent is `undefined`. */
export interface PlainStore {
  readonly read: (key: string) => Promise<{ payload: string; version: number; timeLeft: number } | undefined>
  readonly lease: (key: string, time: number) => Promise<PlainLease>
  readonly extend: (key: string, fence: number, time: number) => Promise<boolean>
  readonly write: (key: string, fence: number, payload: string, time: number) => Promise<boolean>
  readonly release: (key: string, fence: number, backoff?: { time: number; failure: string }) => Promise<void>
  /** Once `open` ends, the subscription is active. */
  readonly changes: (key: string) => { open: () => Promise<AsyncIterable<PlainChange>>; close: () => Promise<void> }
}

export type PlainLease =
  | { _tag: "Granted"; fence: number }
  | { _tag: "Held"; timeLeft: number }
  | { _tag: "Backoff"; timeLeft: number; failure: string | undefined }
type PlainChange = { _tag: "Written"; version: number } | { _tag: "Released" }

/** A case of `TokenStoreConformance` for such a store. The promise rejects with what the case fails with. */
export interface PlainCase {
  readonly name: string
  readonly run: (store: PlainStore, key: string, other: PlainStore, signal: AbortSignal) => Promise<void>
}
