import * as Result from "effect/Result"

/** Where the proxy listens, and who may call it. */
export interface Listening {
  readonly addresses: readonly [string, ...ReadonlyArray<string>]
  /** The host names that clients may use, with the port on which it listens. */
  readonly hosts: (port: number) => ReadonlyArray<string>
  /** The flag because of which a client must send the key, if there is one. */
  readonly keyRequiredBy: string | undefined
}

export interface Input {
  readonly address: string | undefined
  readonly allowHost: ReadonlyArray<string>
}

/** Names of this machine that cannot be given to another machine. */
const ownNames = ["127.0.0.1", "localhost", "[::1]"]

const net = () => process.getBuiltinModule("node:net")

/** An address as it is written in a URL. */
const inUrl = (address: string): string =>
  net().isIPv6(address) ? new URL(`http://[${address.replace(/%.*$/, "")}]`).hostname : address

const isLoopback = (host: string): boolean => net().isIPv4(host) && host.startsWith("127.") || host === "[::1]"

/**
 * Whether a browser says that a request to this host is from a web page. It sends `Sec-Fetch-Site` to HTTPS, to names of
 * this machine and to loopback addresses only, and `Origin` with some requests only.
 */
const isTrustworthy = (host: string): boolean => {
  const name = host.toLowerCase().replace(/:\d+$/, "")
  return isLoopback(name) || /(?:^|\.)localhost$/.test(name)
}

const isEvery = (host: string): boolean => host === "0.0.0.0" || host === "[::]"

const allowed = /^(?:[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i

const withPort = (host: string, port: number): ReadonlyArray<string> => {
  const full = /:\d+$/.test(host.replace(/^\[.*\]/, "")) ? host : `${host}:${port}`
  // Port 80 may be left out.
  return full.endsWith(":80") ? [full.slice(0, -3), full] : [full]
}

/** Parses the flags. A failure says what is wrong with them. */
export const listening = ({ address, allowHost }: Input): Result.Result<Listening, string> => {
  const wrong = allowHost.find((host) => !allowed.test(host))
  if (wrong !== undefined) {
    return Result.fail(`--allow-host ${JSON.stringify(wrong)}: expected a name as in proxy, proxy:80 or 10.0.0.5`)
  }
  if (address !== undefined && net().isIP(address) === 0) {
    return Result.fail(`--address ${JSON.stringify(address)}: expected an IP address, as in 0.0.0.0 or 10.0.0.5`)
  }
  const host = address === undefined ? undefined : inUrl(address)
  if (host !== undefined && isEvery(host) && allowHost.length === 0) {
    return Result.fail(
      `--address ${address} means all addresses of this machine. Name the host under which clients call the proxy, as in --allow-host spotnana-proxy`
    )
  }
  const untrusted = allowHost.find((name) => !isTrustworthy(name))
  const named = host === undefined || isEvery(host) ? [] : [host]
  const names = [...new Set([...ownNames, ...named, ...allowHost.map((name) => name.toLowerCase())])]
  return Result.succeed({
    addresses: address === undefined ? ["127.0.0.1", "::1"] : [address],
    hosts: (port) => names.flatMap((name) => withPort(name, port)),
    keyRequiredBy: host !== undefined && !isLoopback(host)
      ? `--address ${address}`
      : untrusted && `--allow-host ${untrusted}`
  })
}
