// What is measured of each: a client of an API, made as its documentation says.

/** What a client is made for. */
export interface Setting {
  /** Where the API is: `http://127.0.0.1:4801`. */
  readonly baseUrl: string
  /** Where tokens come from, below `baseUrl`. */
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: string
  /** How many seconds the endpoint's tokens live. A margin that can be set is set to a fifth of that. */
  readonly lifetime: number
  /**
   * A bearer that never changes: the peer's HTTP stack without its authentication, against which it is measured.
   * `undefined` is the peer itself.
   */
  readonly constant: string | undefined
  /** Requests do not leave the process: each, the token's included, is answered at once by `stub`. */
  readonly stubbed: boolean
}

/** A client in use. */
export interface Client {
  /** One authenticated GET below `baseUrl`, its body read: the status. Rejects where there is no answer or no token. */
  readonly get: (path: string) => Promise<number>
  /** Many, one after the other, in the way of the peer's users. Default: `get`, awaited in a loop. */
  readonly getMany?: ((path: string, count: number) => Promise<void>) | undefined
  /** A token that is valid now, as the peer hands it out where it does. */
  readonly token: () => Promise<string>
  readonly close: () => Promise<void>
}

/** Whose HTTP stack a request goes through. */
export type Stack = "HttpClient" | "own" | "fetch"

export interface Peer {
  /** As it is called in tables. */
  readonly name: string
  /** The packages, of which the versions are shown. */
  readonly packages: ReadonlyArray<string>
  /** `fetch`: it has none of its own, and its documentation leaves the request to its user. */
  readonly stack: Stack
  /** Replaces a token that the API answers 401 to, and sends the request again. */
  readonly replays?: true | undefined
  /** How it is used here, in one sentence, and where its documentation says so. */
  readonly usage: string
  /** The scenarios that it has no answer to, by id, each with the reason. */
  readonly cannot: Partial<Record<ScenarioId, string>>
  readonly open: (setting: Setting) => Promise<Client>
}

export type ScenarioId =
  | "hotPath"
  | "throughput"
  | "stampede"
  | "expiry"
  | "revocation"
  | "outage"
  | "tenants"
  | "start"
  | "size"
  | "growth"
  | "released"
  | "redis"
