import { setTimeout as sleep } from "node:timers/promises"
import type { ClientOptions } from "../Protocol.ts"
import type { Secret } from "../support/serve.ts"
import type { Defect } from "./defects.ts"
import { CallFailed, failureOf } from "./failures.ts"

export interface Token {
  readonly value: string
  readonly wall: number
  readonly mono: number
  /** How long it is used, in milliseconds. */
  readonly usable: number
  /** How many requests were accepted with it. */
  accepted: number
}

const never = { until: 0, delay: 0 }

/** The token of the naive client. It renews, waits, remembers and replaces, except for its defect. */
export class Tokens {
  readonly #closing = new AbortController()
  #token: Token | undefined
  #flight: Promise<Token> | undefined
  #isSuspect = false
  #failures = 0
  #backoff: { readonly until: number; readonly error: CallFailed | undefined } = { until: 0, error: undefined }
  #refusal: { readonly until: number; readonly delay: number; readonly secret?: string } = never
  #replacement: { readonly until: number; readonly delay: number } = never
  #timer: NodeJS.Timeout | undefined

  readonly options: ClientOptions
  readonly secret: Secret
  readonly has: (defect: Defect) => boolean
  readonly signal: AbortSignal | undefined

  constructor(options: ClientOptions, secret: Secret, has: (defect: Defect) => boolean) {
    this.options = options
    const once = secret()
    this.secret = has("readsSecretOnce") ? () => once : secret
    this.has = has
    this.signal = has("ignoresClosing") ? undefined : this.#closing.signal
  }

  get #attempts(): number {
    return this.options.refresh?.attempts ?? 3
  }
  get status(): string {
    return this.#flight !== undefined ? "acquiring" : this.#token === undefined ? "empty" : "valid"
  }

  close(): void {
    if (!this.has("ignoresClosing")) this.#closing.abort(new Error("The client is closed."))
    if (!this.has("keepsTimer")) clearTimeout(this.#timer)
  }

  #isGood(token: Token | undefined): token is Token {
    if (token === undefined || this.has("requestPerCall")) return false
    if (this.has("sendsExpired")) return true
    return (this.has("wallOnly") || performance.now() < token.mono + token.usable) &&
      (this.has("monotonicOnly") || Date.now() < token.wall + token.usable)
  }

  async get(): Promise<Token> {
    this.signal?.throwIfAborted()
    if (this.#isGood(this.#token)) {
      if (this.has("waitsForRenewal") && this.#flight !== undefined) return this.#flight
      if (this.#isSuspect && this.#flight !== undefined) {
        const settled = this.#flight.catch(() => {})
        await (this.has("waitsForReplacement") ? settled : Promise.race([settled, sleep(500)]))
      }
      return this.#token
    }
    for (let attempt = 1;; attempt++) {
      const error = this.#backoff.error
      const left = this.#backoff.until - performance.now()
      if (error !== undefined && left > 5_000) throw error
      if (left > 0) await sleep(left)
      if (this.#isGood(this.#token)) return this.#token
      if (this.#refusal.secret === this.secret() && performance.now() < this.#refusal.until) throw this.#backoff.error!
      try {
        const token = await this.#acquire()
        if (this.#isGood(token) || this.has("requestPerCall")) return token
      } catch (error) {
        if (this.signal?.aborted === true || attempt >= this.#attempts || this.#refusal.secret !== undefined) {
          throw error
        }
      }
    }
  }

  /** Replaces a rejected token, if it is in use and a replacement is due. Returns whether it was in use. */
  reject(token: Token): boolean {
    if (this.#token !== token && !this.has("replacesLateRejections")) return false
    const now = performance.now()
    if (this.#flight === undefined && (now < this.#backoff.until || now < this.#replacement.until)) return true
    if (this.#flight === undefined && !this.has("replacesEveryTime")) {
      const delay = Math.max(60_000, this.#replacement.delay * 2)
      this.#replacement = { until: now + delay, delay }
    }
    this.#isSuspect = true
    if (this.has("dropsRejectedToken")) this.#token = undefined
    this.#acquire().catch(() => {})
    return true
  }

  /** The token with which to send a rejected request again. */
  async replacement(token: Token, isRepeated: boolean): Promise<Token> {
    if (this.#token !== token && this.#flight === undefined) return this.get()
    let error: CallFailed | undefined
    try {
      const next = await this.#flight
      if (next !== undefined && (next.value !== token.value || this.has("trustsSameToken"))) return next
      if (next !== undefined) throw new CallFailed("TokenExpired", "The same token again", { reason: "Rejected" })
    } catch (failure) {
      if (failure instanceof CallFailed && failure.failure.tag === "TokenExpired") throw failure
      error = failure as CallFailed
    }
    if (!isRepeated && this.#isGood(this.#token)) return this.#token
    const now = performance.now()
    if (error !== undefined || now < this.#backoff.until) throw error ?? this.#backoff.error!
    const retryAfter = this.#replacement.until - now
    throw new CallFailed("TokenExpired", "A new token did not help", { reason: "Rejected", retryAfter })
  }

  /** The token that replaced a rejected one was accepted. */
  replayAccepted(): void {
    if (!this.has("replacesOnce")) this.#replacement = never
  }

  #acquire(): Promise<Token> {
    if (this.#flight !== undefined && !this.has("requestPerCaller")) return this.#flight
    const flight = this.#request().finally(() => {
      this.#flight = undefined
      this.#isSuspect = false
    })
    return this.#flight = flight
  }

  #renewIn(delay: number): void {
    clearTimeout(this.#timer)
    if (this.options.refresh?.mode === "onDemand" && !this.has("keepsTimer")) return
    this.#timer = setTimeout(() => void this.#acquire().catch(() => {}), Math.max(delay, 0))
  }

  async #request(): Promise<Token> {
    const secret = this.secret()
    let [wall, mono] = [Date.now(), performance.now()]
    const { baseUrl, clientId: client_id, refresh, timeout } = this.options
    const limit = this.has("waitsForever") ? [] : [AbortSignal.timeout(timeout ?? 10_000)]
    try {
      const response = await fetch(`${baseUrl}/v2/auth/oauth2-token`, {
        method: "POST",
        body: new URLSearchParams({ grant_type: "client_credentials", client_id, client_secret: secret }),
        redirect: this.has("followsTokenRedirects") ? "follow" : "manual",
        signal: AbortSignal.any(this.signal === undefined ? limit : [this.signal, ...limit])
      }).catch(({ name }: Error) => {
        this.signal?.throwIfAborted()
        const reason = name === "TimeoutError" ? "Timeout" : "Transport"
        throw new CallFailed("TokenEndpointUnavailable", "No answer", { reason })
      })
      const said = await response.text()
      const after = this.has("forgetsRetryAfter") ? 0 : Number(response.headers.get("retry-after") ?? 0) * 1_000
      if (this.has("agesFromAnswer")) [wall, mono] = [Date.now(), performance.now()]
      const { access_token: value, expires_in: seconds } = response.ok && said.startsWith("{") ? JSON.parse(said) : {}
      if (value === undefined) throw this.#explained(failureOf(response, said, after), said)
      const lifetime = seconds * 1_000
      const usable = lifetime - Math.min(1_000, lifetime / 2)
      const isSame = this.#token?.value === value && !this.has("trustsSameToken")
      const token = isSame ? this.#token! : { value, wall, mono, usable, accepted: 0 }
      ;[this.#token, this.#failures, this.#backoff, this.#refusal] = [token, 0, { until: 0, error: undefined }, never]
      this.#renewIn(lifetime * (refresh?.renewAt ?? 0.8))
      return token
    } catch (error) {
      if (error instanceof CallFailed) this.#remember(error, secret)
      throw error
    }
  }

  #explained({ failure: { message, tag, ...fields } }: CallFailed, said: string): CallFailed {
    if (this.has("untypedErrors")) return new CallFailed("Error", message)
    return new CallFailed(tag, this.has("repeatsServerText") ? `${message}: ${said}` : message, fields)
  }

  #remember(error: CallFailed, secret: string): void {
    const now = performance.now()
    const backoff = (this.options.refresh?.backoffBase ?? 500) * 2 ** this.#failures++
    const isRefusal = error.failure.tag === "InvalidCredentials"
    const wait = isRefusal ? 0 : Math.max(backoff, error.failure.retryAfter ?? 0)
    this.#backoff = { until: now + wait, error }
    if (isRefusal && !this.has("forgetsRefusals")) {
      const delay = Math.max(1_000, this.#refusal.delay * 2)
      this.#refusal = { until: now + delay, delay, secret }
    }
    if (this.#token !== undefined && !isRefusal) this.#renewIn(wait)
    if (this.has("dropsTokenInOutage")) this.#token = undefined
  }
}
