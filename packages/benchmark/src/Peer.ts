// A peer: a client of an API, made as its documentation says, which is measured.

/** The options of a client. */
export interface Setting {
  /** Where the API is: `http://127.0.0.1:4801`. */
  readonly baseUrl: string
  /** Where tokens come from, below `baseUrl`. */
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: string
  /**
   * The lifetime of the endpoint's tokens, in seconds. If the client has a margin that can be set, it is a fifth of
   * that.
   */
  readonly lifetime: number
  /**
   * A token that never changes: the peer's HTTP stack without its authentication, with which the peer is compared.
   * `undefined` is the peer itself.
   */
  readonly constant: string | undefined
  /** Requests do not leave the process: `stub` answers each at once, also token requests. */
  readonly stubbed: boolean
}

/** A client in use. */
export interface Client {
  /**
   * Makes one authenticated GET below `baseUrl`, reads its body, and returns the status. Rejects if there is no answer
   * or no token.
   */
  readonly get: (path: string) => Promise<number>
  /** Makes many, one after the other, as the peer's users do. Default: `get`, awaited in a loop. */
  readonly getMany?: ((path: string, count: number) => Promise<void>) | undefined
  /** A token that is valid now, if the peer gives access to it. */
  readonly token: () => Promise<string>
  readonly close: () => Promise<void>
}

/** Whose HTTP stack a request goes through. */
export type Stack = "HttpClient" | "own" | "fetch"

export interface Peer {
  /** Its name in tables. */
  readonly name: string
  /** The packages, whose versions are shown. */
  readonly packages: ReadonlyArray<string>
  /** `fetch` if it has no HTTP stack, and its documentation leaves the request to its user. */
  readonly stack: Stack
  /** Replaces a token that the API answers 401 to, and sends the request again. */
  readonly replays?: true | undefined
  /** How it is used here, in one sentence, and where its documentation says so. */
  readonly usage: string
  /** The scenarios that it cannot run, by id, each with the reason. */
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
