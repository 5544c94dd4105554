/**
 * What is outside of a process: time, the API, the token endpoint, the source of the credentials, and a store.
 *
 * Events happen in the order of their time. No time passes between them.
 */
import { Violation } from "./model.ts"
import type { Random } from "./random.ts"

/** A token, with the truth about it. */
export interface Token {
  readonly name: string
  readonly issuedAt: number
  /** Milliseconds, as the server says. */
  readonly lifetime: number
  /** When it dies of age. A server that counts in whole seconds lets it die up to one earlier. */
  readonly diesAt: number
  revokedAt: number
}

/** Why an acquisition failed. */
export interface Failed {
  readonly tag: "Unavailable" | "Refused" | "Timeout" | "Late"
  /** The secret that was refused. */
  readonly refused: number | undefined
  readonly retryAfter: number | undefined
}

/** What the API does. `badReplica`: one in so many answers 401, whatever the token. */
export interface Api {
  mode: "healthy" | "rejectAll" | "badReplica"
  replicas: number
  latency: number
}

/** What the token endpoint does. */
export interface Endpoint {
  mode: "ok" | "fail" | "refuse" | "hang"
  latency: number
  retryAfter: number | undefined
  /** Of the tokens that it gives. */
  lifetime: number
  /** Whether it hands out the same token until that expires. */
  isSame: boolean
  /** Whether a new token ends the ones before. */
  isExclusive: boolean
}

/**
 * The credentials that the source gives. `inTurn`: the secret and one that is never valid, in turn. `anew`: another secret
 * each time, such as a signed assertion.
 */
export interface Source {
  mode: "ok" | "fail" | "hang"
  secrets: "one" | "inTurn" | "anew"
  latency: number
  secret: number
  /** Since when it gives this secret. */
  since: number
}

/** What several processes share. */
export interface Store {
  isDown: boolean
  version: number
  entry: Entry | undefined
  leaseUntil: number
  /** A notification comes after so long; undefined: never. */
  notifiesAfter: number | undefined
  notifiesTwice: boolean
}

export interface Entry {
  readonly token: Token
  readonly version: number
  readonly lifetime: number
  /** When it ends: on the wall clock, and on that of the store. */
  readonly endsAtWall: number
  readonly endsAt: number
}

/** What runs at a time, for somebody who may be frozen then. */
export interface Scheduled {
  at: number
  readonly order: number
  readonly owner: Owner | undefined
  /** Whether it goes by the clock of the owner, which stands still while the machine sleeps. */
  readonly isTimer: boolean
  readonly run: () => void
}

/** Who is frozen until then. */
export interface Owner {
  frozenUntil: number
}

// More than any history needs: an engine that acts without end is stopped here.
const mostEvents = 400_000

// Longer than a new secret takes to become valid, and the requests with the old one.
const rotationSettles = 30_000

const neverValid = 0

export class World {
  now = 0
  events = 0
  tokenRequests = 0
  readonly random: Random
  readonly api: Api = { mode: "healthy", replicas: 16, latency: 20 }
  readonly endpoint: Endpoint = {
    mode: "ok",
    latency: 50,
    retryAfter: undefined,
    lifetime: 3_600_000,
    isSame: false,
    isExclusive: false
  }
  readonly source: Source = { mode: "ok", secrets: "one", latency: 0, secret: 1, since: 0 }
  readonly store: Store | undefined
  /** What is to happen right before an event, after so many others. */
  intervention: { after: number; readonly run: () => void } | undefined
  #queue: Array<Scheduled> = []
  #order = 0
  #tokens: Array<Token> = []
  #requests = 0
  #reads = 0
  /** Secrets that the token endpoint does not know yet, and from when on it does. */
  readonly validFrom = new Map<number, number>()
  readonly validUntil = new Map<number, number>()

  constructor(random: Random, isShared: boolean) {
    this.random = random
    this.store = isShared
      ? { isDown: false, version: 0, entry: undefined, leaseUntil: 0, notifiesAfter: 5, notifiesTwice: false }
      : undefined
  }

  /** Whether a token request that leaves now, or left a moment ago, brings a token. */
  get isWell(): boolean {
    const { endpoint, source, store } = this
    return endpoint.mode === "ok" && source.mode === "ok" && source.secrets === "one" && store?.isDown !== true &&
      this.now - source.since > rotationSettles
  }

  /** Counts what is done, so that nothing goes on for ever. */
  count(): void {
    if (++this.events > mostEvents) throw new Violation(12, `${mostEvents} events, and no end`)
  }

  schedule(delay: number, owner: Owner | undefined, isTimer: boolean, run: () => void): Scheduled {
    const event: Scheduled = { at: this.now + delay, order: ++this.#order, owner, isTimer, run }
    this.#insert(event)
    return event
  }

  /** Lets time pass. */
  advance(millis: number): void {
    const until = this.now + millis
    for (let next = this.#queue.at(-1); next !== undefined && next.at <= until; next = this.#queue.at(-1)) {
      this.now = Math.max(this.now, next.at)
      if (this.intervention !== undefined && --this.intervention.after < 0) {
        const { run } = this.intervention
        this.intervention = undefined
        run()
        continue
      }
      this.#queue.pop()
      if (next.owner !== undefined && next.owner.frozenUntil > next.at) {
        next.at = next.owner.frozenUntil
        this.#insert(next)
        continue
      }
      this.count()
      next.run()
    }
    this.now = until
  }

  /** The timers of a machine stand still while it sleeps. */
  delayTimers(owner: Owner, millis: number): void {
    const mine = this.#queue.filter((event) => event.owner === owner && event.isTimer)
    this.#queue = this.#queue.filter((event) => event.owner !== owner || !event.isTimer)
    for (const event of mine) {
      event.at += millis
      this.#insert(event)
    }
  }

  revokeAll(): void {
    for (const token of this.#tokens) token.revokedAt = Math.min(token.revokedAt, this.now)
  }

  rotate(validAfter: number, oldEnds: boolean): void {
    const { source } = this
    if (oldEnds) this.validUntil.set(source.secret, this.now)
    source.secret += 1
    source.since = this.now
    this.validFrom.set(source.secret, this.now + validAfter)
  }

  /** The credentials begin or cease to change with each read. */
  setSecrets(secrets: Source["secrets"]): void {
    this.validFrom.set(neverValid, Infinity)
    Object.assign(this.source, { secrets, since: this.now })
  }

  /** The secret that the source gives now. */
  readSecret(): number {
    const { secret, secrets } = this.source
    this.#reads += 1
    return secrets === "anew" ? -this.#reads : secrets === "inTurn" && this.#reads % 2 === 0 ? neverValid : secret
  }

  /** Whether the API accepts a request. */
  accepts(token: Token, isForbidden: boolean): boolean {
    if (isForbidden || this.api.mode === "rejectAll") return false
    if (this.api.mode === "badReplica" && this.#requests++ % this.api.replicas === this.api.replicas - 1) return false
    return this.now < Math.min(token.diesAt, token.revokedAt)
  }

  /** What the token endpoint answers to a request that it gets now. */
  grant(secret: number): Failed | { readonly tag: "Granted"; readonly token: Token; readonly lifetime: number } {
    const { endpoint, now } = this
    this.tokenRequests += 1
    const isValid = now >= (this.validFrom.get(secret) ?? 0) && now < (this.validUntil.get(secret) ?? Infinity)
    if (endpoint.mode === "fail") return { tag: "Unavailable", refused: undefined, retryAfter: endpoint.retryAfter }
    if (endpoint.mode === "refuse" || !isValid) return { tag: "Refused", refused: secret, retryAfter: undefined }
    const last = this.#tokens.at(-1)
    if (endpoint.isSame && last !== undefined && now < Math.min(last.diesAt, last.revokedAt)) {
      const left = Math.floor((last.issuedAt + last.lifetime - now) / 1_000) * 1_000
      if (left > 0) return { tag: "Granted", token: last, lifetime: left }
    }
    if (endpoint.isExclusive) this.revokeAll()
    const token: Token = {
      name: `T${this.#tokens.length + 1}`,
      issuedAt: now,
      lifetime: endpoint.lifetime,
      diesAt: now + endpoint.lifetime - this.random.integer(0, 999),
      revokedAt: Infinity
    }
    this.#tokens.push(token)
    return { tag: "Granted", token, lifetime: token.lifetime }
  }

  cancel(event: Scheduled | undefined): void {
    if (event === undefined) return
    const index = this.#indexOf(event)
    if (this.#queue[index] === event) this.#queue.splice(index, 1)
  }

  #insert(event: Scheduled): void {
    this.#queue.splice(this.#indexOf(event), 0, event)
  }

  // Latest first, so that the next one is at the end.
  #indexOf(event: Scheduled): number {
    const queue = this.#queue
    let index = 0
    for (let end = queue.length; index < end;) {
      const middle = (index + end) >> 1
      const other = queue[middle]!
      if (other.at > event.at || (other.at === event.at && other.order > event.order)) index = middle + 1
      else end = middle
    }
    return index
  }
}
