/**
 * One process: it runs the commands of the engine, and makes the calls of an application.
 *
 * What a shell for a real runtime does, in plain TypeScript, told to the referee.
 */
import type { Instant } from "../../src/Instant.ts"
import type { Answer, Caller } from "../../src/Lifecycle.ts"
import type { Policy } from "../../src/Policy.ts"
import type { Command, Event, Failure, State } from "../../src/State.ts"
import type { Engine } from "./engine.ts"
import type { Call as Seen, Rules, Situations } from "./model.ts"
import { Referee, Violation } from "./model.ts"
import type { Entry, Failed, Owner, Scheduled, Token, World } from "./world.ts"

/** What a call asks for: `forbidden` is answered with 401 to every token. */
export type Kind = "ok" | "forbidden"

/** How a call ended: with a status of the API, with `TokenExpired`, or with the error of an acquisition. */
export type Outcome = "accepted" | "TokenExpired" | Failed["tag"]

/** A token as it came in an answer: the engine tells those apart by identity, the API by the token. */
export interface Bearer {
  readonly token: Token
}

type TokenState = State<Bearer, Failed>
type TokenEvent = Event<Bearer, Failed>

interface Call {
  readonly kind: Kind
  readonly seen: Seen<Token>
  readonly calledAt: number
  readonly caller: Caller<Failed>
  readonly onEnd: ((outcome: Outcome) => void) | undefined
  waited: { readonly failure: Failure<Failed> | undefined } | undefined
  timer: Scheduled | undefined
  sends: number
  lastSent: Bearer | undefined
  /** Whether it was sent last with a token that was requested because of it. */
  isNew: boolean
  /** Whether its rejected token was in use, and nothing spoke for it. */
  wasInUse: boolean
  isOver: boolean
}

interface Acquisition {
  readonly id: number
  readonly laterThan: number
  readonly refused: number | undefined
  timeout: Scheduled | undefined
  isOver: boolean
  /** Its fiber is gone, and nothing comes of it. */
  isLost: boolean
  /** The fencing token of its lease; 0: it has none. */
  fence: number
}

/** What the API said about a token. */
interface Tally {
  lastAccepted: number
  rejectedInARow: number
}

const poll = 250
const lease = 20_000
const longestLatency = 3_000

export interface Options {
  readonly engine: Engine
  readonly world: World
  readonly policy: Policy
  readonly situations: Situations
  /** Hears each transition, for the diagram. */
  readonly onTransition?: ((before: TokenState, event: TokenEvent, after: TokenState, now: Instant) => void) | undefined
}

export class Process implements Owner {
  frozenUntil = 0
  /** How many calls have not ended. */
  open = 0
  peers: ReadonlyArray<Process> = []
  state: TokenState
  readonly referee: Referee<Token>
  readonly #options: Options
  readonly #rules: Rules
  #wallOffset = 1_700_000_000_000
  #slept = 0
  #awakeFrom = 0
  #steadySince = -1
  #acquisition: Acquisition | undefined
  #waiters: Array<Call> = []
  #timer: Scheduled | undefined
  #tallies = new Map<Token, Tally>()
  #sent = 0
  /** Events that were delivered once, to deliver them again. */
  #delivered: TokenEvent | undefined

  constructor(options: Options) {
    const { engine, policy, situations } = options
    this.#options = options
    this.#rules = {
      background: policy.mode === "background",
      attempts: policy.attempts,
      retryFor: policy.retryFor,
      retryAfterMaximum: policy.retryAfterMaximum,
      refusalTimeToLive: policy.refusalTimeToLive
    }
    this.referee = new Referee(
      this.#rules,
      (situation) => void situations.set(situation, (situations.get(situation) ?? 0) + 1)
    )
    this.state = engine.Lifecycle.initial(policy)
  }

  get #world(): World {
    return this.#options.world
  }

  /** The monotonic clock is no whole number of milliseconds. */
  now(): Instant {
    const { now } = this.#world
    return { wall: now + this.#wallOffset, mono: Math.max(now, this.#awakeFrom) - this.#slept + 0.25 }
  }

  // What happens to the process

  setClock(millis: number): void {
    this.#wallOffset += millis
    this.#jump()
  }

  /** It does not run, and the clocks go on. */
  freeze(millis: number): void {
    this.frozenUntil = Math.max(this.frozenUntil, this.#world.now) + millis
    this.referee.frozen += millis
    this.#jump()
  }

  /** The machine sleeps: the wall clock goes on alone. */
  sleep(millis: number): void {
    if (this.frozenUntil > this.#world.now) return
    this.frozenUntil = this.#world.now + millis
    this.#awakeFrom = this.frozenUntil
    this.#slept += millis
    this.#world.delayTimers(this, millis)
    this.#jump()
  }

  #jump(): void {
    this.referee.jumps += 1
    this.disturb()
  }

  loseTimer(): void {
    this.#world.cancel(this.#timer)
    this.disturb()
  }

  loseAcquisition(): void {
    if (this.#acquisition === undefined) return
    this.#reached("a lost acquisition")
    this.#acquisition.isLost = true
    this.#world.cancel(this.#acquisition.timeout)
    this.disturb()
  }

  disturb(): void {
    this.referee.disturbances += 1
    this.#steadySince = this.now().mono
  }

  /** Events that came already come again, and a timer goes off that nobody set. */
  repeatEvents(): void {
    this.#world.schedule(0, this, false, () => this.#repeatEvents())
  }

  #repeatEvents(): void {
    const again = this.#delivered
    if (again !== undefined) this.#deliverLate(again, "an event that comes twice")
    this.#dispatch({ _tag: "RenewalDue" })
    const cached = this.state.cached
    if (cached !== undefined && cached.lifetime > 2_000) {
      const { lifetime, startedAt, token, version } = cached
      const random = this.#world.random.next()
      this.#deliverLate(
        { _tag: "TokenShared", token, version, startedAt, lifetime, random, isShared: true },
        "a notification that comes twice"
      )
    }
  }

  // Calls of the application

  call(kind: Kind, onEnd?: (outcome: Outcome) => void): void {
    this.#world.schedule(0, this, false, () => {
      const now = this.now()
      const longest = longestLatency + (this.#world.store === undefined ? 0 : lease + poll)
      if (this.#world.isWell) this.referee.checkRenewed(this.#steadySince, longest, now)
      this.open += 1
      const call: Call = {
        kind,
        seen: this.referee.called(now),
        calledAt: this.#world.now,
        caller: this.#options.engine.Lifecycle.caller(this.state, now),
        onEnd,
        waited: undefined,
        timer: undefined,
        sends: 0,
        lastSent: undefined,
        isNew: false,
        wasInUse: false,
        isOver: false
      }
      const until = this.#options.engine.Lifecycle.usableUntil(this.state)
      // As fast as a shell may be: a token that is good needs no transition.
      if (until !== undefined && now.wall < until.wall && now.mono < until.mono) {
        const expectation = this.referee.whenRequested(now)
        // An overdue acquisition is noticed with the next transition.
        if (expectation.invariant === 4) this.referee.check(expectation, false)
        this.#send(call, this.state.cached!.token)
      } else {
        this.#ask(call)
      }
    })
  }

  #ask(call: Call): void {
    this.referee.slept(call.seen)
    call.waited = undefined
    this.#dispatch({ _tag: "TokenRequested" })
    this.#proceed(call)
  }

  #proceed(call: Call): void {
    for (let turn = 0; turn < 5; turn++) {
      if (call.isOver) return
      this.#world.count()
      const now = this.now()
      const answer = this.#answer(call, now)
      switch (answer._tag) {
        case "Token":
          call.isNew = call.wasInUse && answer.token !== call.lastSent
          return this.#send(call, answer.token)
        case "Failure":
          return this.#fail(call, answer.error, answer.retryAfter)
        case "Wait":
          this.#waiters.push(call)
          if (answer.until !== undefined) call.timer = this.#sleepUntil(answer.until, () => this.#waitedTooLong(call))
          return
        case "Sleep":
          this.referee.sleeps(now)
          call.timer = this.#sleepUntil(answer.until, () => this.#ask(call))
          return
        case "Retry":
          call.waited = undefined
          this.#dispatch({ _tag: "TokenRequested" })
      }
    }
    throw new Violation(12, "a caller asks again without end")
  }

  #answer(call: Call, now: Instant): Answer<Bearer, Failed> {
    const { Lifecycle } = this.#options.engine
    const { lastSent, seen, waited } = call
    const caller = { ...call.caller, waited }
    const { rejected } = seen
    return lastSent === undefined
      ? Lifecycle.answer(this.state, caller, now)
      : Lifecycle.replacement(this.state, {
        ...caller,
        rejected: lastSent,
        isRepeated: rejected.length > 1 && rejected.at(-1) === rejected.at(-2)
      }, now)
  }

  #waitedTooLong(call: Call): void {
    this.#waiters = this.#waiters.filter((other) => other !== call)
    this.#reached("a caller stops waiting for an acquisition")
    this.#ask(call)
  }

  #sleepUntil(at: Instant, run: () => void): Scheduled {
    const millis = this.#options.engine.Instant.millisUntil(at, this.now())
    return this.#world.schedule(Math.max(1, millis), this, true, run)
  }

  #send(call: Call, bearer: Bearer): void {
    const { token } = bearer
    this.referee.given(call.seen, token, this.now())
    if (++call.sends > 3) throw new Violation(7, "a request is sent more than three times")
    call.lastSent = bearer
    const sent = ++this.#sent
    const { latency } = this.#world.api
    let isAccepted = false
    this.#world.schedule(latency >> 1, undefined, false, () => {
      isAccepted = this.#world.accepts(token, call.kind === "forbidden")
    })
    this.#world.schedule(latency, this, false, () => this.#answered(call, bearer, sent, isAccepted))
  }

  #answered(call: Call, bearer: Bearer, sent: number, isAccepted: boolean): void {
    const { token } = bearer
    const tally = this.#tallyOf(token)
    const { rejected } = call.seen
    if (isAccepted) {
      tally.lastAccepted = ++this.#sent
      tally.rejectedInARow = 0
      if (call.isNew) {
        this.referee.replayAccepted()
        this.#dispatch({ _tag: "ReplayAccepted" })
      }
      return this.#end(call, "accepted")
    }
    const isRepeated = rejected.at(-1) === token
    this.referee.rejected(call.seen, token)
    if (call.sends === 1) tally.rejectedInARow += 1
    // The replay with a new token got 401 too: it is about the request, and the new token stays.
    if (call.isNew || call.sends === 3) {
      this.#reached("a new token is rejected too")
      return this.#fail(call, undefined, undefined)
    }
    call.waited = undefined
    const acceptedSince = tally.lastAccepted > sent
    const isInUse = this.state.cached?.token === bearer
    if (acceptedSince && isInUse && !isRepeated && this.#options.engine.Lifecycle.isLive(this.state, this.now())) {
      this.#reached("a 401 for a token that another request was accepted with since")
      return this.#send(call, bearer)
    }
    call.wasInUse = isInUse && !acceptedSince
    if (!acceptedSince) {
      const { rejectedInARow } = tally
      this.#dispatch({ _tag: "TokenRejected", token: bearer, wasAccepted: tally.lastAccepted > 0, rejectedInARow })
    }
    this.#proceed(call)
  }

  #fail(call: Call, error: Failed | undefined, retryAfter: number | undefined): void {
    const { secret, secrets, since } = this.#world.source
    const source = { secret, hasChangedSince: secrets !== "one" || since >= call.calledAt }
    this.referee.gaveUp(call.seen, error, retryAfter, source, this.now())
    this.#end(call, error?.tag ?? "TokenExpired")
  }

  #end(call: Call, outcome: Outcome): void {
    call.isOver = true
    this.open -= 1
    this.referee.answered(call.seen, this.now())
    call.onEnd?.(outcome)
  }

  #tallyOf(token: Token): Tally {
    let tally = this.#tallies.get(token)
    if (tally === undefined) this.#tallies.set(token, tally = { lastAccepted: 0, rejectedInARow: 0 })
    return tally
  }

  // The commands of the engine

  #dispatch(event: TokenEvent): void {
    const now = this.now()
    const { engine, onTransition } = this.#options
    const before = this.state
    const expectation = event._tag === "TokenRequested"
      ? this.referee.whenRequested(now)
      : event._tag === "RenewalDue"
      ? this.referee.whenDue(now)
      : event._tag === "TokenRejected"
      ? this.referee.whenRejected({ ...event, token: event.token.token }, now)
      : undefined
    const [after, commands] = engine.Lifecycle.transition(before, event, now)
    this.state = after
    onTransition?.(before, event, after, now)
    const acquires = commands.some(({ _tag }) => _tag === "Acquire")
    if (expectation !== undefined) this.referee.check(expectation, acquires)
    else if (acquires) throw new Violation(1, `${event._tag} begins an acquisition`)
    for (const command of commands) this.#run(command, event._tag === "TokenRejected", command === commands.at(-1))
    this.referee.checkTimer(this.#timer !== undefined, this.now())
  }

  #run(command: Command<Bearer, Failed>, isRejection: boolean, isLast: boolean): void {
    switch (command._tag) {
      case "Acquire":
        return this.#acquire(command, isRejection)
      case "CancelAcquisition":
        if (this.#acquisition?.id !== command.id) return
        this.#release(this.#acquisition)
        this.#acquisition.isOver = true
        this.#world.cancel(this.#acquisition.timeout)
        this.#acquisition = undefined
        return
      case "WakeAt":
        this.#world.cancel(this.#timer)
        this.#timer = this.#sleepUntil(command.at, () => {
          this.#timer = undefined
          this.#dispatch({ _tag: "RenewalDue" })
        })
        return
      case "CompleteWaiters": {
        if (!isLast) throw new Violation(2, "waiters are resumed before everything is in place")
        const waiters = this.#waiters
        this.#waiters = []
        for (const call of waiters) {
          this.#world.cancel(call.timer)
          call.waited = { failure: command.failure }
          this.#proceed(call)
        }
        return
      }
      case "Report":
        if (command.report._tag === "ReplacementHeldBack") this.#reached("a replacement held back is reported")
    }
  }

  // One acquisition

  #acquire(
    { id, laterThan, refused }: Command<Bearer, Failed> & { readonly _tag: "Acquire" },
    isRejection: boolean
  ): void {
    this.referee.acquiring(isRejection, this.now())
    const mine: Acquisition = {
      id,
      laterThan,
      refused,
      timeout: undefined,
      isOver: false,
      isLost: false,
      fence: 0
    }
    this.#acquisition = mine
    mine.timeout = this.#world.schedule(
      this.#options.policy.acquisitionTimeout,
      this,
      true,
      () => this.#failed(mine, { tag: "Timeout", refused: undefined, retryAfter: undefined })
    )
    const { latency, mode } = this.#world.source
    if (mode === "hang") return
    this.#world.schedule(latency, this, false, () => {
      if (mine.isOver || mine.isLost) return
      if (mode === "fail") return this.#failed(mine, { tag: "Unavailable", refused: undefined, retryAfter: undefined })
      const secret = this.#world.readSecret()
      if (secret !== mine.refused) return this.#obtain(mine, secret)
      this.referee.unchanged()
      this.#finish(mine, { _tag: "CredentialsUnchanged", id })
    })
  }

  /** From the store, if it has a later one; else from the token endpoint. */
  #obtain(mine: Acquisition, secret: number): void {
    const { store } = this.#world
    if (store === undefined || store.isDown) return this.#request(mine, secret)
    const { entry } = store
    if (entry !== undefined && entry.version > mine.laterThan && entry.endsAt > this.#world.now) {
      const startedAt = this.#startOf(entry)
      if (startedAt.mono + entry.lifetime > this.now().mono) {
        this.#reached("a token from the store")
        return this.#succeeded(mine, entry.token, entry.lifetime, startedAt, entry.version, true)
      }
    }
    if (store.leaseUntil <= this.#world.now) {
      store.leaseUntil = this.#world.now + lease
      mine.fence = ++store.version
      return this.#request(mine, secret)
    }
    this.#reached("a process waits for the lease of another one")
    this.#world.schedule(poll, this, true, () => {
      if (!mine.isOver && !mine.isLost) this.#obtain(mine, secret)
    })
  }

  /** As if this process had requested the token so long before its end as the store says. */
  #startOf(entry: Entry): Instant {
    const now = this.now()
    const left = Math.min(entry.endsAtWall - now.wall, entry.endsAt - this.#world.now)
    return { wall: now.wall + left - entry.lifetime, mono: now.mono + left - entry.lifetime }
  }

  #request(mine: Acquisition, secret: number): void {
    const startedAt = this.now()
    this.referee.requested(secret, startedAt)
    const { latency, mode } = this.#world.endpoint
    if (mode === "hang") return
    let answer: ReturnType<World["grant"]> | undefined
    this.#world.schedule(latency >> 1, undefined, false, () => {
      answer = this.#world.grant(secret)
    })
    this.#world.schedule(latency, this, false, () => {
      if (mine.isLost) return
      if (answer!.tag !== "Granted") return this.#failed(mine, answer!)
      const { lifetime, token } = answer!
      const version = mine.fence > 0 && !mine.isOver ? this.#publish(mine.fence, token, lifetime, startedAt) : 0
      this.#succeeded(mine, token, lifetime, startedAt, version, false)
    })
  }

  /** Returns the version of the token in the store; 0: another process has had the lease since. */
  #publish(version: number, token: Token, lifetime: number, startedAt: Instant): number {
    const store = this.#world.store!
    if (store.version > version) {
      this.#reached("a token that comes after the lease went to another process")
      return 0
    }
    const now = this.now()
    const left = lifetime - Math.max(now.wall - startedAt.wall, now.mono - startedAt.mono)
    const entry: Entry = { token, version, lifetime, endsAtWall: now.wall + left, endsAt: this.#world.now + left }
    store.entry = entry
    if (store.notifiesAfter === undefined) return version
    for (const peer of this.peers) {
      if (peer === this) continue
      for (let times = store.notifiesTwice ? 2 : 1; times > 0; times--) {
        this.#world.schedule(store.notifiesAfter * times, peer, false, () => peer.#notified(entry))
      }
    }
    return version
  }

  #notified(entry: Entry): void {
    const { lifetime, token, version } = entry
    const startedAt = this.#startOf(entry)
    const random = this.#world.random.next()
    const inUse = this.state.cached?.token
    const event: TokenEvent = {
      _tag: "TokenShared",
      token: inUse?.token === token ? inUse : { token },
      version,
      startedAt,
      lifetime,
      random,
      isShared: true
    }
    if (this.referee.shared({ token, requested: startedAt, lifetime, version }, this.now())) {
      return this.#dispatch(event)
    }
    this.#deliverLate(event, "a notification of a token that is not newer")
  }

  #succeeded(
    mine: Acquisition,
    token: Token,
    lifetime: number,
    startedAt: Instant,
    version: number,
    isShared: boolean
  ): void {
    const inUse = this.state.cached?.token
    const event: TokenEvent = {
      _tag: "Acquired",
      id: mine.id,
      token: inUse?.token === token ? inUse : { token },
      lifetime,
      startedAt,
      version,
      isShared,
      errorIfLate: () => ({ tag: "Late", refused: undefined, retryAfter: undefined }),
      random: this.#world.random.next()
    }
    if (mine.isOver) return this.#deliverLate(event, "a token that comes after its acquisition was given up")
    if (this.referee.succeeded({ token, requested: startedAt, lifetime, version, isShared }, this.now()) === "late") {
      this.disturb()
    }
    this.#finish(mine, event)
  }

  #failed(mine: Acquisition, error: Failed): void {
    const { refused, retryAfter } = error
    const random = this.#world.random.next()
    const event: TokenEvent = { _tag: "AcquisitionFailed", id: mine.id, error, refused, retryAfter, random }
    if (mine.isOver) return this.#deliverLate(event, "a failure that comes after its acquisition was given up")
    this.referee.failed(refused, retryAfter, this.now())
    this.disturb()
    this.#finish(mine, event)
  }

  #finish(mine: Acquisition, event: TokenEvent): void {
    mine.isOver = true
    this.#world.cancel(mine.timeout)
    this.#release(mine)
    if (this.#acquisition === mine) this.#acquisition = undefined
    this.#delivered = event
    this.#dispatch(event)
  }

  #release(mine: Acquisition): void {
    const store = this.#world.store
    if (store !== undefined && mine.fence === store.version) store.leaseUntil = 0
  }

  /** What comes late or twice changes nothing. */
  #deliverLate(event: TokenEvent, situation: string): void {
    this.#reached(situation)
    const [after, commands] = this.#options.engine.Lifecycle.transition(this.state, event, this.now())
    if (after === this.state && commands.length === 0) return
    throw new Violation(7, `${situation} (${event._tag}) changes the state`)
  }

  #reached(situation: string): void {
    const { situations } = this.#options
    situations.set(situation, (situations.get(situation) ?? 0) + 1)
  }
}
