// A client without Effect that passes the suite, except for the named defect. Without a defect it passes completely.
import { once } from "node:events"
import type { Call, Outcome } from "../Protocol.ts"
import { defect as failedBy, failed, interrupted, serve } from "../support/serve.ts"
import type { Defect } from "./defects.ts"
import { CallFailed } from "./failures.ts"
import { Tokens } from "./tokens.ts"
import type { Token } from "./tokens.ts"

const defect = process.argv[2]
const has = (name: Defect): boolean => name === defect

const hasOwnHeader = ({ headers }: Call): boolean =>
  headers?.["authorization"] !== undefined && !has("overwritesAuthorization")

interface Exchange {
  readonly response: Response
  readonly isRedirected: boolean
  readonly isOurs: boolean
}

/** Sends a request, and follows its redirects. */
const send = async (tokens: Tokens, call: Call, token: Token | undefined, isRepeated: boolean): Promise<Exchange> => {
  const home = new URL(tokens.options.baseUrl).origin
  const isEmpty = isRepeated && (call.body?.isStream === true || has("losesBody"))
  let [url, method, body] = [new URL(call.url, home), call.method ?? "GET", isEmpty ? undefined : call.body?.text]
  let isAway = false
  for (let redirects = 0;; redirects++) {
    const isHome = url.origin === home
    if (!isHome && !has("bearerComesBack")) isAway = true
    const isOurs = !hasOwnHeader(call) && token !== undefined &&
      (isHome && !isAway || has("bearerEverywhere") || has("bearerAlongRedirects") && redirects > 0)
    const headers = new Headers(call.headers)
    if (isOurs) headers.set("authorization", `Bearer ${token.value}`)
    const response = await fetch(url, {
      method,
      headers,
      redirect: "manual",
      signal: tokens.signal ?? null,
      ...(body !== undefined && { body })
    })
    const location = response.headers.get("location")
    if (call.followRedirects !== true || location === null) return { response, isRedirected: redirects > 0, isOurs }
    await response.body?.cancel()
    url = new URL(location, url)
    if (response.status === 303) [method, body] = ["GET", undefined]
  }
}

/** Sends a request, and sends it again if that is allowed: three times at most. */
const exchange = async (
  tokens: Tokens,
  call: Call,
  token: Token | undefined,
  last?: Token,
  isNew = false,
  n = 1
): Promise<Outcome> => {
  const acceptedBefore = token?.accepted
  const { isOurs, isRedirected, response } = await send(tokens, call, token, n > 1)
  const { status } = response
  const body = await response.text()
  if (token === undefined || !isOurs || status !== 401 && !(status === 403 && has("replacesOn403"))) {
    if (token !== undefined && response.ok) token.accepted++
    if (n > 1 && token !== last && response.ok) tokens.replayAccepted()
    return { status, body }
  }
  const isRepeated = token === last
  const message = `${call.method ?? "GET"} answered ${status}${has("repeatsServerText") ? `: ${body}` : ""}`
  const debugIdentifier: string | undefined = JSON.parse(body).debugIdentifier
  const expired = (reason: string) => new CallFailed("TokenExpired", message, { reason, debugIdentifier })
  if (n === 3 || isNew) throw expired("Rejected")
  const isAccepted = token.accepted !== acceptedBefore && !isRepeated && !has("forgetsAcceptance")
  const wasInUse = !isAccepted && tokens.reject(token)
  const isReplayable = (call.body?.isStream !== true || has("repeatsStreams")) &&
    (!isRedirected || call.method !== "POST" || has("repeatsRedirectedPost"))
  if (!isReplayable) throw expired("NotReplayable")
  const next = isAccepted ? token : await tokens.replacement(token, isRepeated)
  return exchange(tokens, call, next, token, wasInUse && next !== token, n + 1)
}

serve(async (options, secret) => {
  const tokens = new Tokens(options, secret, has)
  const home = new URL(options.baseUrl).origin
  return {
    call: async (call, signal) => {
      const aborted = once(signal, "abort").then(() => {
        if (has("interruptsAll")) tokens.close()
        return interrupted
      })
      try {
        const isAway = new URL(call.url, home).origin !== home && !has("bearerEverywhere") && !has("bearerComesBack")
        const outcome = async () =>
          exchange(tokens, call, hasOwnHeader(call) || isAway ? undefined : await tokens.get())
        return await Promise.race([outcome(), aborted])
      } catch (error) {
        return error instanceof CallFailed ? failed(error, error.failure) : failedBy(error)
      }
    },
    status: async () => tokens.status,
    close: async () => tokens.close()
  }
})
