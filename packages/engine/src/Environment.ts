/**
 * Where the API and its token endpoint are, and which addresses may be used.
 *
 * @since 0.1.0
 */

interface Url {
  readonly hash: string
  readonly host: string
  readonly hostname: string
  readonly href: string
  readonly origin: string
  readonly password: string
  readonly pathname: string
  readonly protocol: string
  readonly search: string
  readonly username: string
}

// The engine is compiled without the types of any platform. Every platform has this one.
declare const URL: {
  new(url: string): Url
  canParse(url: string): boolean
}

/**
 * Spotnana's token endpoint.
 *
 * @category constants
 * @since 0.1.0
 */
export const tokenPath = "/v2/auth/oauth2-token"

/**
 * A text or a `URL`.
 *
 * @category models
 * @since 0.1.0
 */
export type Address = string | { readonly href: string; toString(): string }

/**
 * Addresses as the program gives them.
 *
 * @category models
 * @since 0.1.0
 */
export interface Given {
  /** The API's base URL. */
  readonly baseUrl: Address
  /** The token endpoint: absolute, or a path on `baseUrl`. Default: {@link tokenPath}. */
  readonly tokenUrl?: Address | undefined
  /** Further origins of the same API. */
  readonly origins?: ReadonlyArray<Address> | undefined
}

/**
 * Addresses that may be used.
 *
 * @category models
 * @since 0.1.0
 */
export interface Addresses {
  /** Host and port of `baseUrl`. */
  readonly host: string
  /** What relative URLs are appended to. No trailing slash. */
  readonly baseUrl: string
  /** Scheme, host and port of `baseUrl`. */
  readonly origin: string
  /** `origin` and the further origins, each once. */
  readonly origins: ReadonlyArray<string>
  /** The token endpoint, absolute. */
  readonly tokenUrl: string
}

/**
 * Which address is wrong, what is wrong with it and what was expected. Contains
 * no user name and no password.
 *
 * @category models
 * @since 0.1.0
 */
export interface Problem {
  readonly option: keyof Given
  readonly problem: string
}

/**
 * The hosts that need no HTTPS, as in the `hostname` of a `URL`. Only these, because a name server may decide where
 * other names of this machine lead.
 *
 * @category constants
 * @since 0.1.0
 */
export const loopback = /^(localhost|127\.0\.0\.1|\[::1\])$/

const parse = (option: keyof Given, given: Address, which = ""): Url | Problem => {
  const input = String(given)
  const refuse = (problem: string): Problem => ({ option, problem: which + problem })
  if (!/^https?:/i.test(input) || !URL.canParse(input)) {
    return refuse(
      "it is not an absolute URL; expected one such as https://api.spotnana.com" +
        (option === "tokenUrl" ? ", or a path that begins with /" : "")
    )
  }
  const url = new URL(input)
  if (/\/get-auth-token\/*$/i.test(url.pathname)) {
    return refuse(
      `/get-auth-token is deprecated, and its credentials do not work with ${tokenPath}: ` +
        "ask Spotnana for new ones, and give only the address of the API"
    )
  }
  if (url.username !== "" || url.password !== "") {
    return refuse("it has a user name or password in it; credentials belong in clientId and clientSecret")
  }
  if (url.protocol !== "https:" && !(url.protocol === "http:" && loopback.test(url.hostname))) {
    return refuse(
      `${url.protocol}//${url.host} is not HTTPS; expected https:// (http only on localhost, 127.0.0.1 and [::1])`
    )
  }
  if (url.hash !== "") return refuse("it has a fragment, which is never sent")
  if (option === "baseUrl" && url.search !== "") return refuse("it has a query, which a base URL cannot have")
  if (option === "origins" && url.href !== `${url.origin}/`) {
    return refuse(`it has a path or a query; expected an origin alone, such as ${url.origin}`)
  }
  if (option === "baseUrl" && /\/oauth2-token\/*$/i.test(url.pathname)) {
    return refuse("it is the token endpoint; expected the address of the API, such as https://api.spotnana.com")
  }
  return url
}

/**
 * The addresses that a program gives, or the first problem with them.
 *
 * **Details**
 *
 * It refuses an address that is not HTTPS (except `localhost`, `127.0.0.1` and
 * `[::1]`), user names and passwords in the URL, and Spotnana's deprecated
 * `/get-auth-token`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const addresses = (given: Given): Addresses | Problem => {
  const base = parse("baseUrl", given.baseUrl)
  if ("problem" in base) return base
  const baseUrl = base.origin + base.pathname.replace(/\/+$/, "")
  if (given.tokenUrl === undefined && /\/v2\/*$/i.test(base.pathname)) {
    return { option: "baseUrl", problem: `it ends in /v2, and so would not lead to ${tokenPath}; leave that out` }
  }
  const path = String(given.tokenUrl ?? tokenPath)
  const token = parse("tokenUrl", path.startsWith("/") ? baseUrl + path : path)
  if ("problem" in token) return token
  const origins = new Set([base.origin])
  for (const [index, origin] of (given.origins ?? []).entries()) {
    const further = parse("origins", origin, `number ${index + 1}: `)
    if ("problem" in further) return further
    origins.add(further.origin)
  }
  return { host: base.host, baseUrl, origin: base.origin, origins: [...origins], tokenUrl: token.href }
}
