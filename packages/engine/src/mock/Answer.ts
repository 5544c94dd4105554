/**
 * Answers of the mock of Spotnana, and its error bodies.
 *
 * @since 0.1.0
 */

/**
 * An answer as a server sends it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Answer {
  readonly status: number
  /** By names in lower case; `content-type` is among them where there is a body. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | undefined
}

type Headers = Readonly<Record<string, string | undefined>>

/** The headers that have a value. */
const present = (headers: Headers): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => value === undefined ? [] : [[name, value]]))

/**
 * An answer with a body.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  body: string | Uint8Array,
  { contentType = "application/octet-stream", headers, status = 200 }: {
    readonly contentType?: string | undefined
    readonly status?: number | undefined
    readonly headers?: Headers | undefined
  } = {}
): Answer => ({ status, headers: present({ ...headers, "content-type": contentType }), body })

/**
 * An answer of JSON. Fields that are `undefined` are left out.
 *
 * @category constructors
 * @since 0.1.0
 */
export const json = (
  body: unknown,
  options: {
    readonly contentType?: string | undefined
    readonly status?: number | undefined
    readonly headers?: Headers | undefined
  } = {}
): Answer => make(JSON.stringify(body), { contentType: "application/json", ...options })

/**
 * An answer without a body.
 *
 * @category constructors
 * @since 0.1.0
 */
export const empty = (status: number): Answer => ({ status, headers: {}, body: undefined })

/**
 * An answer that nobody on the way may store, because it contains a secret or a
 * token.
 *
 * @category constructors
 * @since 0.1.0
 */
export const secret = (body: unknown): Answer => json(body, { headers: { "cache-control": "no-store" } })

/**
 * An answer with Spotnana's error body.
 *
 * @category constructors
 * @since 0.1.0
 */
export const spotnanaError = (
  debugIdentifier: string,
  { errorCode, headers, message, status }: {
    readonly status: number
    readonly errorCode: string
    readonly message: string
    readonly headers?: Headers | undefined
  }
): Answer => json({ debugIdentifier, errorMessages: [{ errorCode, message }] }, { status, headers })

/**
 * An answer with the error body of RFC 6749, section 5.2, which unlike Spotnana's must not be cached.
 *
 * @category constructors
 * @since 0.1.0
 */
export const oauth2Error = (
  debugIdentifier: string,
  { description, error, headers, status }: {
    readonly status: number
    readonly error: string
    readonly description: string
    readonly headers?: Headers | undefined
  }
): Answer =>
  json({ error, error_description: description, debugIdentifier }, {
    status,
    headers: { ...headers, "cache-control": "no-store" }
  })
