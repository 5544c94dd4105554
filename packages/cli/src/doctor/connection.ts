import type { Environment } from "@effect-spotnana/core"
import { loopback } from "@effect-spotnana/engine/Environment"
import * as NodeAddressResolver from "@effect/platform-node/NodeAddressResolver"
import * as NodeDns from "@effect/platform-node/NodeDns"
import * as Config from "effect/Config"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { Headers, HttpClient } from "effect/http"
import * as Layer from "effect/Layer"
import { AddressResolver, NetAddress } from "effect/net"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { rootOf } from "../exitCode.ts"
import { hostOf, portOf } from "../outbound.ts"
import type { Outbound } from "../outbound.ts"
import { connect, handshake } from "../socket.ts"
import type { Certificate, ConnectionFailed } from "../socket.ts"
import { Fault } from "./check.ts"
import type { Found } from "./check.ts"
import type { Subject } from "./local.ts"

/** The address of the API, in the parts that sockets need. */
const endpointOf = ({ baseUrl }: Environment.Environment) => {
  const url = new URL(baseUrl)
  return {
    host: hostOf(url),
    port: portOf(url),
    isSecure: url.protocol === "https:",
    mayUseHttp: loopback.test(url.hostname)
  }
}

type Place = Pick<Subject, "environment" | "proxy">

const theAddress = "Check SPOTNANA_ENVIRONMENT and SPOTNANA_BASE_URL."

/** Looks up the addresses of the API's host. With a proxy, which does that itself, it looks up those of the proxy. */
export const checkDns = ({ environment, proxy }: Place): Effect.Effect<Found<void>, Fault> => {
  const api = endpointOf(environment)
  const { host, port } = proxy ?? api
  return AddressResolver.AddressResolver.use((resolver) => resolver.resolve({ host, port })).pipe(
    Effect.map((addresses) => {
      const found = addresses.map(({ address }) => NetAddress.formatIp(address)).join(", ")
      const summary = found === host ? `${host} needs no name server` : `${host} is at ${found}`
      return {
        summary: proxy === undefined
          ? summary
          : `${summary}. It is the proxy of ${proxy.variable}, and looks up ${api.host}`,
        value: undefined
      }
    }),
    Effect.mapError((error) =>
      new Fault({
        summary: `${host} has no address that this machine can find (${rootOf(error)})`,
        advice: `${
          proxy === undefined ? theAddress : `Check ${proxy.variable}.`
        } If that is right, it is the network or the name server: try another host name.`
      })
    ),
    Effect.provide(NodeAddressResolver.layer.pipe(Layer.provide(NodeDns.layer)))
  )
}

/** The fault of a proxy that refuses to open a connection. */
const refusedBy = (proxy: Outbound, where: string, status: number): Fault =>
  new Fault({
    summary: `the proxy ${proxy.address} of ${proxy.variable} refused a connection to ${where}: it answered ${status}`,
    advice: status === 407
      ? `It needs a user name and a password: ${proxy.variable}=http://user:password@${proxy.address}`
      : `Ask the proxy's administrator to allow ${where}. If the API can be reached without a proxy, set NO_PROXY to its host.`
  })

const refusal =
  (where: string, mayUseHttp: boolean, proxy: Outbound | undefined) =>
  ({ code, message, status }: ConnectionFailed): Fault => {
    if (proxy !== undefined) {
      return status === undefined
        ? new Fault({
          summary: `no connection to ${where} through the proxy ${proxy.address} (${message})`,
          advice: `Check ${proxy.variable}. If the API can be reached without a proxy, set NO_PROXY to its host.`
        })
        : refusedBy(proxy, where, status)
    }
    switch (code) {
      case "ECONNREFUSED":
        return new Fault({
          summary: `no program listens at ${where} (${code})`,
          advice: `${theAddress} Is the server running?`
        })
      case "ERR_SSL_WRONG_VERSION_NUMBER":
      case "EPROTO":
        return new Fault({
          summary: `${where} does not speak TLS (${code})`,
          advice: mayUseHttp
            ? "For a server on this machine write http:// in SPOTNANA_BASE_URL."
            : theAddress
        })
      default:
        return new Fault({
          summary: `no connection to ${where} (${message})`,
          advice: "Look for a firewall, a proxy or a VPN in between, and try again. To use a proxy, set HTTPS_PROXY."
        })
    }
  }

const mistrust = (host: string, problem: string, { expiresAt, issuer, names }: Certificate): Fault => {
  switch (problem) {
    case "CERT_HAS_EXPIRED":
      return new Fault({
        summary: `the certificate of ${host} expired${dayOf(expiresAt)}`,
        advice: "The server's administrator must renew it. Is the clock of this machine right?"
      })
    case "CERT_NOT_YET_VALID":
      return new Fault({
        summary: `the certificate of ${host} is not valid yet`,
        advice: "Set the clock of this machine. If it is right, the server has the wrong certificate."
      })
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return new Fault({
        summary: `the certificate is for ${names}, not for ${host}`,
        advice: `${theAddress} If they are right, another server answers instead of the API.`
      })
    default:
      return new Fault({
        summary: `the certificate of ${host} is signed by ${issuer}, which this machine does not trust (${problem})`,
        advice:
          "If that is a proxy of your company, set NODE_EXTRA_CA_CERTS=ca.pem to the file with its certificate. Otherwise do not continue."
      })
  }
}

const dayOf = Option.match({ onNone: () => "", onSome: (date: DateTime.Utc) => ` on ${DateTime.formatIsoDate(date)}` })

// A certificate is usually renewed weeks before it expires, except those that are valid for only a few days.
const soon = Duration.days(7)

const inspect = (
  host: string,
  certificate: Certificate,
  proxy: Outbound | undefined
): Effect.Effect<Found<void>, Fault, never> =>
  Effect.gen(function*() {
    if (certificate.problem !== undefined) return yield* mistrust(host, certificate.problem, certificate)
    const { expiresAt, issuer, protocol } = certificate
    const later = DateTime.addDuration(yield* DateTime.now, soon)
    const isUnchecked = yield* Effect.orDie(
      Config.String("NODE_TLS_REJECT_UNAUTHORIZED").pipe(Config.withDefault(""), Config.map((value) => value === "0"))
    )
    const through = proxy === undefined ? "" : `, through the proxy ${proxy.address} of ${proxy.variable}`
    return {
      summary: `${protocol}, certificate by ${issuer}, valid until${dayOf(expiresAt).replace(" on", "")}${through}`,
      value: undefined,
      warning: isUnchecked
        ? "NODE_TLS_REJECT_UNAUTHORIZED=0 turns off the check of certificates, so any server could answer. Unset it."
        : Option.exists(expiresAt, DateTime.isLessThan(later))
        ? `The certificate expires${dayOf(expiresAt)}: the server's administrator must renew it.`
        : undefined
    }
  })

/** Checks the connection, and the certificate of the server. */
export const checkConnection = ({ environment, proxy }: Place): Effect.Effect<Found<void>, Fault> => {
  const { host, isSecure, mayUseHttp, port } = endpointOf(environment)
  const where = `${host}:${port}`
  return isSecure
    ? Effect.flatMap(
      Effect.mapError(handshake({ host, port, proxy }), refusal(where, mayUseHttp, proxy)),
      (certificate) => inspect(host, certificate, proxy)
    )
    : Effect.mapBoth(connect(host, port), {
      onFailure: refusal(where, mayUseHttp, proxy),
      onSuccess: () => ({ summary: `${where} is on this machine, without TLS`, value: undefined })
    })
}

// A smaller difference does no harm, and the header has whole seconds.
const tolerance = Duration.minutes(1)

/** Compares this machine's clock with the server's, by the answer to any request. */
export const checkClock = (
  environment: Environment.Environment
): Effect.Effect<Found<void>, Fault, HttpClient.HttpClient> =>
  Effect.gen(function*() {
    const before = yield* DateTime.now
    const { headers, status } = yield* HttpClient.head(`${environment.baseUrl}/`).pipe(
      Effect.mapError((error) =>
        new Fault({
          summary: `${environment.baseUrl} gave no answer (${rootOf(error)})`,
          advice: "Look for a firewall, a proxy or a VPN in between, and try again."
        })
      )
    )
    const now = yield* DateTime.now
    const date = Headers.parseHttpDate(headers["date"] ?? "")
    if (Result.isFailure(date)) {
      return { summary: `not known: the server answered ${status} without a date`, value: undefined }
    }
    const ahead = DateTime.toEpochMillis(now) - DateTime.toEpochMillis(date.success)
    // The header may have been written at any time during the exchange.
    const least = Math.abs(ahead) - (DateTime.toEpochMillis(now) - DateTime.toEpochMillis(before))
    const off = Duration.format(Duration.seconds(Math.round(Math.abs(ahead) / 1000)))
    if (least > Duration.toMillis(tolerance)) {
      return yield* new Fault({
        summary: `this machine's clock is ${off} ${ahead > 0 ? "ahead of" : "behind"} the server's`,
        advice: "Set the clock by NTP: timedatectl set-ntp true, or the command of this system."
      })
    }
    return { summary: `within ${Duration.format(tolerance)} of the server's`, value: undefined }
  })
