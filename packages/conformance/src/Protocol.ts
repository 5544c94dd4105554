// The protocol between the suite and a subject: one JSON message per line, on the subject's stdin and stdout. It does
// not depend on a version of Effect. All times are milliseconds.

/** When to renew and how to back off, as in `RefreshPolicy` of the library for every version of Effect. */
export interface Refresh {
  readonly mode?: "background" | "onDemand"
  readonly renewAt?: number
  readonly jitter?: number
  readonly minimumMargin?: number
  readonly backoffBase?: number
  readonly attempts?: number
}

/** The options of a client. If an option is absent, the library's default applies. */
export interface ClientOptions {
  readonly baseUrl: string
  readonly clientId: string
  readonly clientSecret: string
  /** For one token request. */
  readonly timeout?: number
  readonly refresh?: Refresh
}

/** One request. A relative URL is for the API. */
export interface Call {
  readonly url: string
  /** Default: `GET`. */
  readonly method?: "GET" | "POST"
  readonly headers?: Readonly<Record<string, string>>
  /** The text to send, and whether as a body that can be sent only once. */
  readonly body?: { readonly text: string; readonly isStream: boolean }
  /**
   * Whether and how the client follows redirects: by the platform, or by the combinator of Effect. Default: `false`.
   */
  readonly followRedirects?: boolean
}

/** What the suite reads of an error: the fields of `AuthError` that exist for every version of Effect. */
export interface Failure {
  /**
   * The tag. `Defect` for an error that is not of the library's type, `Interrupted` for a call that was interrupted.
   */
  readonly tag: string
  readonly message: string
  readonly reason?: string | undefined
  readonly status?: number | undefined
  readonly retryAfter?: number | undefined
  readonly debugIdentifier?: string | undefined
}

/** How a call ended. */
export type Outcome =
  | { readonly status: number; readonly body: string; readonly failure?: never }
  | { readonly failure: Failure; readonly status?: never; readonly body?: never }

/** The commands to a subject. `client` is a name that the suite has given. */
export type Command =
  | { readonly type: "start"; readonly client: string; readonly options: ClientOptions }
  /** Makes the same call several times at once. */
  | { readonly type: "call"; readonly client: string; readonly call: Call; readonly times: number }
  /** Interrupts the oldest call of the client that is in progress. */
  | { readonly type: "interrupt"; readonly client: string }
  | { readonly type: "status"; readonly client: string }
  /** From now on the source of the credentials yields this secret. */
  | { readonly type: "setSecret"; readonly client: string; readonly clientSecret: string }
  | { readonly type: "close"; readonly client: string }
  /** Sets the wall clock of the process forward or, with a negative number, back. Its monotonic clock stays. */
  | { readonly type: "stepClock"; readonly by: number }

/** The answer to each command. */
export interface Results {
  readonly start: null
  readonly call: ReadonlyArray<Outcome>
  readonly interrupt: null
  /** The `state` of `TokenProvider.Status`. */
  readonly status: string
  readonly setSecret: null
  readonly close: null
  readonly stepClock: null
}

/** A command as it is sent. */
export interface Request {
  readonly id: number
  readonly command: Command
}

/** The answer to it. `problem` says why there is no result: the subject itself is broken. */
export interface Reply {
  readonly id: number
  readonly result?: unknown
  readonly problem?: string
}
