import * as Url from "@effect-spotnana/engine/Url"
import { Mac } from "effect/crypto"
import type { Headers } from "effect/http"
import * as Redacted from "effect/Redacted"
import { dotSegmentRefused } from "../dotSegment.ts"
import type { Answer } from "./answer.ts"
import { badRequest, notImplemented } from "./answer.ts"
import { isFramedOnly } from "./headers.ts"
import { isOwn } from "./health.ts"

/** Who may use the proxy. */
export interface Rules {
  /** The allowed values of `Host`, in lower case. */
  readonly hosts: ReadonlyArray<string>
  /** The key that a client must send, if there is one. */
  readonly key: Redacted.Redacted | undefined
}

export interface Request {
  readonly method: string
  /** The request target. For an absolute target, this is its path and query, and `host` is its host. */
  readonly url: string
  readonly headers: Headers.Headers
}

/** With another name, the request may come from a web page whose own DNS record leads to this machine. */
const misdirected = ({ headers: { host = "" } }: Request, { hosts }: Rules): Answer | undefined =>
  hosts.includes(host.toLowerCase()) ? undefined : {
    status: 421,
    code: "MISDIRECTED_REQUEST",
    message: `This proxy accepts the hosts ${hosts.join(", ")}, and not ${JSON.stringify(host)}. ` +
      "--allow-host lets it answer to another name.",
    kind: "http_request_denied"
  }

const denied = (code: string, message: string): Answer => ({ status: 403, code, message, kind: "http_request_denied" })

/**
 * A browser says that a request is from a page, and no page can prevent that: with `Origin`, or with `Sec-Fetch-Site`,
 * which is `none` only if the user has typed the address. It sends `Sec-Fetch-Site` to this machine by the names that
 * need no key; see `isTrustworthy`. To other names, and from a browser that does not know this header, a page can send
 * a GET that has neither.
 */
const fromWebPage = ({ headers }: Request): Answer | undefined =>
  headers.origin !== undefined || (headers["sec-fetch-site"] ?? "none") !== "none"
    ? denied(
      "WEB_PAGE",
      "Web pages may not use this proxy, because they would get your access. Call it from a program."
    )
    : undefined

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** For the client, the proxy is the server. So `Authorization` must have the key of the proxy, or be absent. */
const unauthorized = ({ headers: { authorization } }: Request, { key }: Rules): Answer | undefined => {
  if (key === undefined) {
    return authorization === undefined ? undefined : badRequest(
      "The proxy adds the Authorization header. Leave it out, or start the proxy with --require-key and send the key in it."
    )
  }
  const [, given = ""] = /^bearer +(\S+)$/i.exec(authorization ?? "") ?? []
  return Mac.timingSafeEqual(bytes(given), bytes(Redacted.value(key))) ? undefined : {
    status: 401,
    code: "KEY_REQUIRED",
    message: "This proxy requires its key: Authorization: Bearer <the value of SPOTNANA_PROXY_KEY>.",
    kind: "http_request_denied",
    headers: { "www-authenticate": "Bearer realm=\"spotnana-auth proxy\"" }
  }
}

/**
 * A client that offers one of these also accepts a normal answer. With any other protocol, a client waits for the
 * upgrade.
 */
const optionalUpgrade = /^(?:h2c|tls\/[\d.]+)$/i

const wantsUpgrade = ({ upgrade }: Headers.Headers): boolean =>
  upgrade !== undefined && !upgrade.split(",").every((protocol) => optionalUpgrade.test(protocol.trim()))

const unforwardable = ({ headers, method, url }: Request): Answer | undefined => {
  // The answer to TRACE contains the request with its token.
  if (method === "TRACE") {
    return { ...denied("METHOD_NOT_ALLOWED", "TRACE is not forwarded: it would show the token."), status: 405 }
  }
  if (!url.startsWith("/")) return badRequest("The target of a request is a path, as in /v2/companies.")
  if (isOwn(url)) {
    return {
      ...denied(
        "NOT_FOUND",
        "The proxy does not forward paths that begin with /.spotnana-auth, and it has no such path."
      ),
      status: 404
    }
  }
  if (Url.hasDotSegment(url)) {
    return badRequest(dotSegmentRefused)
  }
  if (wantsUpgrade(headers)) {
    return notImplemented("UPGRADE", "The proxy does not forward WebSockets and other protocols.")
  }
  return isFramedOnly(headers) ? undefined : notImplemented(
    "TRANSFER_CODING",
    "The proxy supports only the transfer coding chunked. If the body is compressed, use Content-Encoding."
  )
}

/** Why a request is refused, if it is. */
export const refuse = (request: Request, rules: Rules): Answer | undefined =>
  misdirected(request, rules) ?? fromWebPage(request) ?? unauthorized(request, rules) ?? unforwardable(request)
