import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import { usageFailure } from "./exitCode.ts"
import type { Failure } from "./exitCode.ts"

/** The HTTP proxy of this network that connections to the API go through. */
export interface Outbound {
  readonly isSecure: boolean
  readonly host: string
  readonly port: number
  /** `host:port`, without the credentials that may be in the variable. */
  readonly address: string
  /** The value of `Proxy-Authorization`, if the variable has a user. */
  readonly authorization: string | undefined
  /** The variable that names it. */
  readonly variable: string
}

interface Variable {
  readonly name: string
  readonly value: string
}

/** The first of the variables that is set; an empty one counts as absent. */
const firstOf = (names: ReadonlyArray<string>): Effect.Effect<Variable | undefined, Config.ConfigError> =>
  Effect.gen(function*() {
    for (const name of names) {
      const value = yield* Config.String(name).pipe(Config.withDefault(""))
      if (value !== "") return { name, value }
    }
    return undefined
  })

/** The variable that names a proxy, if there is one. Names in lower case come first. */
export const proxyVariable = firstOf(["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"])

/** Without the brackets of an IPv6 address. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, "$1")

export const portOf = ({ port, protocol }: URL): number => port === "" ? protocol === "https:" ? 443 : 80 : Number(port)

/**
 * Whether an entry of `NO_PROXY` matches this host: its name, a parent domain, or `*`. With a port, only that port
 * matches.
 */
const excludes = (entry: string, host: string, port: number): boolean => {
  const [, name = entry, only] = /^(\[.+\]|[^:]+):(\d+)$/.exec(entry) ?? []
  const domain = name.replace(/^\[(.*)\]$/, "$1").replace(/^\*?\./, "").toLowerCase()
  return (only === undefined || Number(only) === port) &&
    (domain === "*" || host === domain || host.endsWith(`.${domain}`))
}

const loopback = /^(localhost|127(\.\d+){3}|::1)$/

const credentialsOf = ({ password, username }: URL): string =>
  Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString("base64")

const parse = ({ name, value }: Variable): Effect.Effect<Outbound, Failure> =>
  Effect.try({
    try: () => {
      const url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`)
      if (url.protocol !== "http:" && url.protocol !== "https:") throw new TypeError(url.protocol)
      const port = portOf(url)
      return {
        isSecure: url.protocol === "https:",
        host: hostOf(url),
        port,
        address: `${url.hostname}:${port}`,
        authorization: url.username === "" ? undefined : `Basic ${credentialsOf(url)}`,
        variable: name
      }
    },
    // Its value may contain a password.
    catch: () =>
      usageFailure(
        `${name} cannot be used: expected the address of an HTTP proxy, as in http://proxy.example:3128. ` +
          "To use no proxy, set NO_PROXY to the host of the API, or to *."
      )
  })

/**
 * The proxy that the environment names for an address, if it names one: `HTTPS_PROXY`, or else `HTTP_PROXY`, unless
 * `NO_PROXY` has the host.
 *
 * A loopback address is reached without the proxy, because on the proxy's machine it is another machine. So plain HTTP,
 * which is only for loopback addresses, never goes through a proxy.
 */
export const outboundFor = (
  address: string
): Effect.Effect<Outbound | undefined, Config.ConfigError | Failure> =>
  Effect.gen(function*() {
    const url = new URL(address)
    const variable = yield* proxyVariable
    if (variable === undefined || url.protocol !== "https:" || loopback.test(hostOf(url))) return undefined
    const exceptions = ((yield* firstOf(["no_proxy", "NO_PROXY"]))?.value ?? "").split(/[,\s]+/).filter(Boolean)
    return exceptions.some((entry) => excludes(entry, hostOf(url), portOf(url))) ? undefined : yield* parse(variable)
  })
