import { assert, describe, it } from "@effect/vitest"
import { after } from "../src/Instant.ts"
import type { Instant } from "../src/Instant.ts"
import * as Lifecycle from "../src/Lifecycle.ts"
import * as Policy from "../src/Policy.ts"
import type { Command, Event, State } from "../src/State.ts"

const second = 1_000
const minute = 60_000
const hour = 60 * minute

// Tokens and errors are strings: the engine looks into neither.
type Events = Event<string, string>

const noon: Instant = { wall: 1_700_000_000_000, mono: 5_000 }

/** A provider: events go in, and what it did comes out. */
class Provider {
  state: State<string, string>
  now = noon

  constructor(policy: Partial<Policy.Policy> = {}) {
    this.state = Lifecycle.initial({ ...Policy.defaults, ...policy })
  }

  /** The tags of the commands, reports by their own. */
  on(event: Events): ReadonlyArray<string> {
    return this.commands(event).map((command) => command._tag === "Report" ? command.report._tag : command._tag)
  }

  commands(event: Events): ReadonlyArray<Command<string, string>> {
    const [state, commands] = Lifecycle.transition(this.state, event, this.now)
    this.state = state
    return commands
  }

  wait(millis: number): this {
    this.now = after(this.now, millis)
    return this
  }

  setClock(millis: number): this {
    this.now = { ...this.now, wall: this.now.wall + millis }
    return this
  }

  requested(): ReadonlyArray<string> {
    return this.on({ _tag: "TokenRequested" })
  }

  acquired(token: string, options: Partial<Events & { readonly _tag: "Acquired" }> = {}): ReadonlyArray<string> {
    return this.on({
      _tag: "Acquired",
      id: this.state.lastId,
      token,
      startedAt: this.now,
      lifetime: hour,
      version: 0,
      isShared: false,
      errorIfLate: () => "late",
      random: 0,
      ...options
    })
  }

  failed(options: Partial<Events & { readonly _tag: "AcquisitionFailed" }> = {}): ReadonlyArray<string> {
    return this.on({
      _tag: "AcquisitionFailed",
      id: this.state.lastId,
      error: "unavailable",
      refused: undefined,
      retryAfter: undefined,
      random: 1,
      ...options
    })
  }

  /** Whether a replacement that has to wait is reported as the first one. */
  heldBack(token: string): ReadonlyArray<boolean> {
    const commands = this.commands({ _tag: "TokenRejected", token, wasAccepted: true, rejectedInARow: 1 })
    return commands.map((command) => {
      if (command._tag === "Report" && command.report._tag === "ReplacementHeldBack") return command.report.isFirst
      throw new Error(`${command._tag} where the replacement has to wait`)
    })
  }

  rejected(token: string, rejectedInARow = 1, wasAccepted = true): ReadonlyArray<string> {
    return this.on({ _tag: "TokenRejected", token, wasAccepted, rejectedInARow })
  }

  answer(caller: Partial<Lifecycle.Caller<string>> = {}): Lifecycle.Answer<string, string> {
    return Lifecycle.answer(this.state, { giveUpAt: 3, retryUntil: this.now, joined: 0, ...caller }, this.now)
  }

  replacement(
    rejected: string,
    options: { readonly isRepeated?: boolean; readonly waited?: Lifecycle.Caller<string>["waited"] } = {}
  ): Lifecycle.Answer<string, string> {
    const caller = { giveUpAt: 3, retryUntil: this.now, joined: 0, rejected, isRepeated: false, ...options }
    return Lifecycle.replacement(this.state, caller, this.now)
  }

  /** In the middle of the use of its first token. */
  withToken(): this {
    this.requested()
    this.acquired("T1")
    return this.wait(10 * minute)
  }

  /** A replacement that was in vain, `minutes` ago. */
  withReplacement(): this {
    this.withToken()
    this.rejected("T1")
    this.acquired("T2")
    return this
  }
}

const provider = (policy?: Partial<Policy.Policy>) => new Provider(policy)
type Answer = Lifecycle.Answer<string, string>
const token = (token: string): Answer => ({ _tag: "Token", token })
const nothing: ReadonlyArray<string> = []
const ended = { failure: undefined }

describe("one acquisition", () => {
  it("invariant 1: callers without a token wait for the one acquisition", () => {
    const it = provider()
    assert.deepStrictEqual(it.requested(), ["Acquire"])
    assert.deepStrictEqual(it.requested(), nothing)
    assert.deepStrictEqual(it.answer(), { _tag: "Wait", until: after(noon, 30 * second) })
    assert.deepStrictEqual(it.acquired("T1"), ["TokenAcquired", "WakeAt", "CompleteWaiters"])
    assert.deepStrictEqual(it.answer(), token("T1"))
  })

  it("invariant 1: an acquisition that does not end is replaced after twice its time", () => {
    const it = provider()
    it.requested()
    assert.deepStrictEqual(it.wait(30 * second - 1).requested(), nothing)
    assert.deepStrictEqual(it.wait(1).requested(), ["CancelAcquisition", "Acquire"])
    const { state } = it
    it.acquired("T1", { id: 1 })
    it.failed({ id: 1 })
    assert.strictEqual(it.state, state, "what comes of the first one is ignored")
  })

  it("invariant 1: an acquisition that is lost is replaced at once, and costs neither a failure nor a backoff", () => {
    const it = provider()
    it.requested()
    assert.deepStrictEqual(it.on({ _tag: "AcquisitionLost", id: 1 }), ["CancelAcquisition", "Acquire"])
    assert.deepStrictEqual(it.on({ _tag: "AcquisitionLost", id: 1 }), nothing, "it is lost once")
    assert.strictEqual(it.state.failures, 0)
    assert.deepStrictEqual(it.acquired("T1"), ["TokenAcquired", "WakeAt", "CompleteWaiters"])
    assert.deepStrictEqual(it.on({ _tag: "AcquisitionLost", id: 2 }), nothing, "it has ended")
  })

  it("invariant 7: an acquisition in place of a lost one is for the same rejection", () => {
    const it = provider().withToken()
    it.rejected("T1")
    it.on({ _tag: "AcquisitionLost", id: it.state.lastId })
    assert.strictEqual(it.state.acquisition?.rejected, "T1")
  })

  it("invariant 12: a caller waits for an acquisition no longer than until it is overdue", () => {
    const it = provider()
    it.requested()
    assert.deepStrictEqual(it.answer(), { _tag: "Wait", until: after(noon, 30 * second) })
    const other = provider().withToken()
    other.rejected("T1")
    assert.deepStrictEqual(other.replacement("T1"), { _tag: "Wait", until: after(other.now, 30 * second) })
  })

  it("invariant 12: a caller without a token sleeps through a short backoff, and gives up after its attempts", () => {
    const it = provider()
    it.requested()
    it.failed()
    assert.deepStrictEqual(it.answer(), { _tag: "Sleep", until: after(noon, 500) })
    assert.deepStrictEqual(it.requested(), nothing)
    it.wait(500)
    assert.deepStrictEqual(it.answer(), { _tag: "Retry" })
    it.requested()
    it.failed()
    it.wait(second).requested()
    it.failed()
    const waited = { failure: { error: "unavailable", refusedIn: undefined } }
    assert.deepStrictEqual(it.answer({ waited }), { _tag: "Failure", error: "unavailable", retryAfter: 2 * second })
  })
})

describe("a caller who may go on for a time", () => {
  const impatient = { attempts: 1, maximumWait: 0 }

  it("invariant 12: gives up neither after its attempts nor for a long delay, if the next attempt is due in time", () => {
    const it = provider({ ...impatient, retryFor: minute })
    const caller = Lifecycle.caller(it.state, it.now)
    const waited = { failure: { error: "unavailable", refusedIn: undefined } }
    it.requested()
    it.failed({ retryAfter: 20 * second })
    assert.deepStrictEqual(it.answer({ ...caller, waited }), { _tag: "Sleep", until: after(noon, 20 * second) })
    it.wait(20 * second)
    assert.deepStrictEqual(it.answer(caller), { _tag: "Retry" })
    it.requested()
    it.failed({ retryAfter: 39 * second })
    assert.deepStrictEqual(it.answer({ ...caller, waited })._tag, "Sleep")
    it.wait(39 * second).requested()
    it.failed({ retryAfter: 2 * second })
    assert.deepStrictEqual(it.answer({ ...caller, waited }), {
      _tag: "Failure",
      error: "unavailable",
      retryAfter: 2 * second
    })
  })

  it("invariant 6: gives up at once where the credentials are refused", () => {
    const it = provider({ ...impatient, retryFor: minute })
    const caller = Lifecycle.caller(it.state, it.now)
    it.requested()
    it.failed({ error: "refused", refused: 1 })
    const waited = { failure: { error: "refused", refusedIn: 1 } }
    assert.deepStrictEqual(it.answer({ ...caller, waited }), { _tag: "Failure", error: "refused", retryAfter: second })
  })

  it("invariant 12: counts its attempts from when it came", () => {
    const it = provider()
    it.requested()
    it.failed()
    assert.deepStrictEqual(Lifecycle.caller(it.state, it.now), { giveUpAt: 4, retryUntil: noon, joined: 0 })
  })
})

describe("a token in use", () => {
  it("invariant 4: a renewal makes no caller wait", () => {
    const it = provider().withToken().wait(38 * minute)
    assert.deepStrictEqual(it.on({ _tag: "RenewalDue" }), ["Acquire"])
    assert.deepStrictEqual(it.requested(), nothing)
    assert.deepStrictEqual(it.answer(), token("T1"))
  })

  it("invariant 4: a timer that goes off early is set again, and one that goes off twice renews once", () => {
    const it = provider().withToken()
    assert.deepStrictEqual(it.on({ _tag: "RenewalDue" }), ["WakeAt"])
    it.wait(38 * minute)
    assert.deepStrictEqual(it.on({ _tag: "RenewalDue" }), ["Acquire"])
    assert.deepStrictEqual(it.on({ _tag: "RenewalDue" }), nothing)
  })

  it("invariant 4: without a timer the first caller within the renewal window renews", () => {
    const it = provider({ mode: "onDemand" })
    it.requested()
    assert.deepStrictEqual(it.acquired("T1"), ["TokenAcquired", "CompleteWaiters"])
    assert.deepStrictEqual(it.wait(48 * minute - 1).requested(), nothing)
    assert.deepStrictEqual(it.wait(1).requested(), ["Acquire"])
    assert.deepStrictEqual(it.answer(), token("T1"))
  })

  it("invariant 4: callers need no transition until the renewal is due", () => {
    const it = provider().withToken()
    assert.deepStrictEqual(Lifecycle.usableUntil(it.state), after(noon, 48 * minute))
    assert.deepStrictEqual(Lifecycle.nextRenewalAt(it.state, it.now), after(noon, 48 * minute))
    it.rejected("T1")
    assert.isUndefined(Lifecycle.usableUntil(it.state))
  })

  it("invariant 3: an expired token is not handed out", () => {
    const it = provider().withToken().wait(50 * minute - 6 * second - 1)
    assert.deepStrictEqual(it.answer(), token("T1"))
    it.wait(1)
    assert.deepStrictEqual(it.answer(), { _tag: "Retry" })
    assert.strictEqual(Lifecycle.status(it.state, it.now), "expired")
  })

  it.each([-25 * hour, -hour, -minute])(
    "invariant 10: a clock set back by %d ms while the token is requested prolongs no token",
    (millis) => {
      const it = provider()
      it.requested()
      const startedAt = it.now
      it.wait(second).setClock(millis)
      it.acquired("T1", { startedAt })
      it.wait(hour - 8 * second)
      assert.deepStrictEqual(it.answer(), token("T1"))
      assert.deepStrictEqual(it.wait(second).answer(), { _tag: "Retry" })
    }
  )

  it("invariant 10: a clock set forward ends a token, and a machine that sleeps lets it expire", () => {
    assert.deepStrictEqual(provider().withToken().setClock(hour).answer(), { _tag: "Retry" })
  })

  it("invariant 10: a token that expired before it came is a failure, and the next attempt backs off", () => {
    const it = provider()
    it.requested()
    const startedAt = it.now
    it.wait(hour)
    assert.deepStrictEqual(it.acquired("T1", { startedAt }), ["AcquisitionFailed", "CompleteWaiters"])
    assert.strictEqual(it.state.lastError, "late")
    assert.deepStrictEqual(it.requested(), nothing)
  })
})

describe("failures", () => {
  it("invariant 5: a failed renewal keeps the token, and is tried again after a backoff", () => {
    const it = provider().withToken().wait(38 * minute)
    it.on({ _tag: "RenewalDue" })
    assert.deepStrictEqual(it.failed(), ["AcquisitionFailed", "WakeAt", "CompleteWaiters"])
    assert.deepStrictEqual(it.answer(), token("T1"))
    assert.deepStrictEqual(it.wait(499).on({ _tag: "RenewalDue" }), ["WakeAt"])
    assert.deepStrictEqual(it.wait(1).on({ _tag: "RenewalDue" }), ["Acquire"])
  })

  it("invariant 5: Retry-After is waited for, and a caller gets the error with the time that is left", () => {
    const it = provider()
    it.requested()
    it.failed({ retryAfter: minute })
    it.wait(20 * second)
    assert.deepStrictEqual(it.requested(), nothing)
    assert.deepStrictEqual(it.answer(), { _tag: "Failure", error: "unavailable", retryAfter: 40 * second })
    assert.deepStrictEqual(it.wait(40 * second).requested(), ["Acquire"])
  })

  it("invariant 5: a clock that is set back does not prolong a backoff", () => {
    const it = provider()
    it.requested()
    it.failed({ retryAfter: minute })
    assert.deepStrictEqual(it.setClock(-hour).wait(minute).requested(), ["Acquire"])
  })

  it("invariant 5: a success ends the backoff, and the next failure is the first one again", () => {
    const it = provider()
    it.requested()
    it.failed()
    it.wait(500).requested()
    it.failed()
    it.wait(second).requested()
    const [told] = it.commands({
      _tag: "Acquired",
      id: it.state.lastId,
      token: "T1",
      startedAt: it.now,
      lifetime: hour,
      version: 0,
      isShared: false,
      errorIfLate: () => "late",
      random: 0
    })
    assert.deepStrictEqual(told, {
      _tag: "Report",
      report: {
        _tag: "TokenAcquired",
        token: "T1",
        isShared: false,
        isSame: false,
        isRenewal: false,
        isRecovery: true
      }
    })
    assert.strictEqual(it.state.failures, 0)
    assert.isUndefined(it.state.lastError)
  })
})

describe("refused credentials", () => {
  const refused = (it: Provider) => it.failed({ error: "refused", refused: 1 })
  const acquire = (it: Provider) => it.commands({ _tag: "TokenRequested" })[0] as Command<string, string>

  it("invariant 6: they are named to the next acquisition, which sends no others of the same number", () => {
    const it = provider()
    it.requested()
    refused(it)
    assert.deepInclude(acquire(it), { _tag: "Acquire", refused: 1 })
    assert.deepStrictEqual(it.on({ _tag: "CredentialsUnchanged", id: it.state.lastId }), ["CompleteWaiters"])
    const waited = { failure: { error: "refused", refusedIn: 1 } }
    assert.deepStrictEqual(it.answer({ waited }), { _tag: "Failure", error: "refused", retryAfter: second })
  })

  it("invariant 6: they are sent again after a second, then after twice as long as before", () => {
    const it = provider()
    const delays: Array<number> = []
    for (let times = 0; times < 11; times++) {
      assert.deepInclude(acquire(it), { refused: undefined })
      refused(it)
      delays.push(it.state.refusal!.delay / second)
      it.wait(it.state.refusal!.delay)
    }
    assert.deepStrictEqual(delays, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300])
  })

  it("invariant 6: the refusal of other credentials is a first one", () => {
    const it = provider()
    it.requested()
    refused(it)
    it.wait(second).requested()
    refused(it)
    it.requested()
    it.failed({ error: "refused", refused: 2 })
    assert.strictEqual(it.state.refusal?.delay, second)
  })

  it("invariant 6: the fourth refused credentials in a row make changed ones wait too, longer each time", () => {
    const it = provider()
    const delays: Array<number> = []
    for (let number = 1; number <= 12; number++) {
      assert.deepStrictEqual(it.requested(), ["Acquire"])
      it.failed({ error: `refused ${number}`, refused: number })
      if (number < 4) continue
      const { delay } = it.state.refusal!
      delays.push(delay / second)
      assert.deepStrictEqual(it.wait(delay - 1).requested(), nothing)
      assert.deepStrictEqual(it.answer(), { _tag: "Failure", error: `refused ${number}`, retryAfter: 1 })
      it.wait(1)
    }
    assert.deepStrictEqual(delays, [1, 2, 4, 8, 16, 32, 64, 128, 256])
    it.requested()
    it.acquired("T1")
    it.rejected("T1")
    it.failed({ error: "refused 13", refused: 13 })
    assert.isUndefined(it.state.backoff)
  })

  it("invariant 13: changed credentials do not wait if the last ones were refused twice", () => {
    const it = provider()
    for (const refused of [1, 2, 3, 4, 4]) {
      it.requested()
      it.failed({ error: "refused", refused })
      it.wait(it.state.refusal!.delay)
    }
    it.requested()
    it.failed({ error: "refused", refused: 4 })
    assert.deepStrictEqual(it.requested(), ["Acquire"])
    assert.strictEqual(it.state.refusal?.delay, 4 * second)
    // The step follows from how many were refused, not from how long the last ones were.
    it.failed({ error: "refused", refused: 5 })
    assert.strictEqual(it.state.refusal?.delay, 2 * second)
  })

  it("invariant 13: a refusal does not end the call of who came after the request was sent", () => {
    const it = provider()
    const before = Lifecycle.caller(it.state, it.now)
    it.requested()
    it.wait(second)
    const after = Lifecycle.caller(it.state, it.now)
    const [, ...rest] = it.commands({
      _tag: "AcquisitionFailed",
      id: it.state.lastId,
      error: "refused",
      refused: 1,
      retryAfter: undefined,
      random: 1
    })
    const completed = rest.at(-1) as Command<string, string> & { readonly _tag: "CompleteWaiters" }
    const waited = { failure: completed.failure }
    assert.deepStrictEqual(it.answer({ ...before, waited }), { _tag: "Failure", error: "refused", retryAfter: second })
    assert.deepStrictEqual(it.answer({ ...after, waited }), { _tag: "Retry" })
    assert.deepInclude(acquire(it), { _tag: "Acquire", refused: 1 })
    // The credentials are still the refused ones.
    const unchanged = it.commands({ _tag: "CredentialsUnchanged", id: it.state.lastId })
      .at(-1) as Command<string, string> & { readonly _tag: "CompleteWaiters" }
    assert.deepStrictEqual(it.answer({ ...after, waited: { failure: unchanged.failure } }), {
      _tag: "Failure",
      error: "refused",
      retryAfter: second
    })
  })

  it("invariant 13: new credentials do not wait for the refusal of the old ones", () => {
    const it = provider()
    it.requested()
    refused(it)
    it.requested()
    assert.deepStrictEqual(it.acquired("T1"), ["TokenAcquired", "WakeAt", "CompleteWaiters"])
    assert.isUndefined(it.state.refusal)
  })

  it("invariant 6: a timer does not send refused credentials, and ends with the token", () => {
    const it = provider().withToken().wait(38 * minute)
    it.on({ _tag: "RenewalDue" })
    refused(it)
    assert.deepStrictEqual(it.on({ _tag: "RenewalDue" }), ["WakeAt"])
    assert.deepStrictEqual(it.wait(second).on({ _tag: "RenewalDue" }), ["Acquire"])
  })
})

describe("what a 401 does", () => {
  it("invariant 7: the token is not in use any more: the request goes again with the one in use, for no request", () => {
    const it = provider().withReplacement()
    const { state } = it
    assert.deepStrictEqual(it.rejected("T1"), nothing)
    assert.strictEqual(it.state, state)
    assert.deepStrictEqual(it.replacement("T1"), token("T2"))
  })

  it("invariant 7: another request was accepted since: the request goes again with the same token, once", () => {
    const it = provider().withToken()
    // The shell tells the engine nothing.
    assert.deepStrictEqual(it.replacement("T1"), token("T1"))
    assert.deepInclude(it.replacement("T1", { isRepeated: true }), { _tag: "Failure", error: undefined })
  })

  it("invariant 7: neither: one acquisition for all, and the request goes again with what it brings", () => {
    const it = provider().withToken()
    assert.deepStrictEqual(it.rejected("T1"), ["TokenRejected", "Acquire"])
    assert.deepStrictEqual(it.rejected("T1"), nothing)
    assert.deepInclude(it.replacement("T1"), { _tag: "Wait" })
    it.acquired("T2")
    assert.deepStrictEqual(it.replacement("T1", { waited: ended }), token("T2"))
  })

  it("invariant 7: callers who come meanwhile wait for a second at most, however many 401s there are", () => {
    const it = provider().withToken()
    it.rejected("T1")
    const until = after(it.now, second)
    assert.deepStrictEqual(it.answer(), { _tag: "Wait", until })
    it.wait(900).rejected("T1", 2)
    assert.deepStrictEqual(it.answer(), { _tag: "Wait", until })
    assert.deepStrictEqual(it.wait(100).answer(), token("T1"))
    assert.deepStrictEqual(it.requested(), nothing)
  })

  it("invariant 4: nobody waits for a replacement with refused credentials, however many 401s there are", () => {
    const it = provider().withToken()
    it.rejected("T1")
    it.on({ _tag: "AcquisitionFailed", id: 2, error: "refused", refused: 1, retryAfter: undefined, random: 1 })
    it.wait(20).rejected("T1", 2)
    assert.deepStrictEqual(it.answer(), token("T1"))
    it.wait(20).rejected("T1", 3)
    assert.deepStrictEqual(it.answer(), token("T1"))
  })

  it("invariant 7: a 401 during a renewal waits for that one", () => {
    const it = provider().withToken().wait(38 * minute)
    it.on({ _tag: "RenewalDue" })
    assert.deepStrictEqual(it.rejected("T1"), nothing)
    assert.deepStrictEqual(it.answer(), { _tag: "Wait", until: after(it.now, second) })
    it.acquired("T2")
    assert.isUndefined(it.state.replacement.at, "a renewal costs no budget")
  })

  it("invariant 7: the acquisition fails: the token stays in use, and the request goes again with it, once", () => {
    const it = provider().withToken()
    it.rejected("T1")
    it.failed({ retryAfter: minute })
    const waited = { failure: { error: "unavailable", refusedIn: undefined } }
    assert.deepStrictEqual(it.answer(), token("T1"))
    assert.deepStrictEqual(it.replacement("T1", { waited }), token("T1"))
    const failure: Answer = { _tag: "Failure", error: "unavailable", retryAfter: minute }
    assert.deepStrictEqual(it.replacement("T1", { waited, isRepeated: true }), failure)
    assert.deepStrictEqual(it.rejected("T1", 2), nothing)
    assert.deepStrictEqual(it.replacement("T1", { isRepeated: true }), failure)
  })

  it("invariant 6: the credentials are refused for it: it fails with that, also if their refusal has ended meanwhile", () => {
    const it = provider().withToken()
    it.rejected("T1")
    const { lastId } = it.state
    it.failed({ error: "refused", refused: 1 })
    const caller = { joined: lastId, waited: { failure: { error: "refused", refusedIn: lastId } }, isRepeated: true }
    assert.deepInclude(it.replacement("T1", caller), { _tag: "Failure", error: "refused" })
    it.wait(second)
    assert.deepInclude(it.replacement("T1", caller), { _tag: "Failure", error: "refused" })
    // It did not wait: the acquisition had found the credentials unchanged before it asked.
    assert.deepInclude(it.replacement("T1", { isRepeated: true }), { _tag: "Failure", error: "refused" })
  })

  it("invariant 7: the acquisition brings the same token: the 401 was about the request, and the token stays", () => {
    const it = provider().withToken()
    it.rejected("T1")
    it.acquired("T1", { lifetime: 50 * minute })
    assert.deepInclude(it.replacement("T1", { waited: ended }), { _tag: "Failure", error: undefined })
    assert.deepStrictEqual(it.answer(), token("T1"))
    assert.deepStrictEqual(it.wait(40 * minute).requested(), nothing, "there is no other one before it ends")
  })

  /** A server that hands out T1 until it expires. */
  const again = (it: Provider, random = 0) => {
    it.requested()
    const [report] = it.commands({
      _tag: "Acquired",
      id: it.state.lastId,
      token: "T1",
      startedAt: it.now,
      lifetime: hour - (it.now.mono - noon.mono),
      version: 0,
      isShared: false,
      errorIfLate: () => "late",
      random
    })
    return report?._tag === "Report" && report.report._tag === "TokenAcquired" ? report.report.isSame : undefined
  }

  it("invariant 6: a server that keeps its token is asked once more right before the token is out of use", () => {
    for (const [random, early] of [[0, 1], [1, 2]] as const) {
      const it = provider().withToken().wait(38 * minute)
      assert.isTrue(again(it, random))
      const inUse = after(noon, hour - 6 * second)
      assert.deepStrictEqual(it.state.cached?.expiresAt, inUse)
      assert.deepStrictEqual(Lifecycle.nextRenewalAt(it.state, it.now), after(inUse, -early * second))
    }
  })

  it("invariant 6: if it brings the same token then, the next one is requested when the token has ended, up to a second later", () => {
    const it = provider().withToken().wait(38 * minute)
    again(it)
    it.wait(12 * minute - 7 * second)
    assert.isTrue(again(it, 1))
    const end = after(noon, hour)
    assert.deepStrictEqual(Lifecycle.nextRenewalAt(it.state, it.now), after(end, second), "spread over a fleet")
    // 5 % of what is left is the leeway now.
    it.now = after(end, -1_400)
    assert.deepStrictEqual(it.answer(), token("T1"))
    it.now = after(end, -1_300)
    assert.deepStrictEqual(it.requested(), nothing)
    assert.deepStrictEqual(it.answer(), { _tag: "Sleep", until: after(end, second) })
    it.now = after(end, second)
    assert.deepStrictEqual(it.requested(), ["Acquire"])
  })

  it("invariant 6: a token that was out of use is used once more for as long as is said, if it is handed out again", () => {
    const it = provider({ mode: "onDemand" }).withToken().wait(50 * minute - 4 * second)
    assert.isTrue(again(it))
    assert.deepStrictEqual(it.answer(), token("T1"))
    assert.deepStrictEqual(Lifecycle.nextRenewalAt(it.state, it.now), after(noon, hour + 500))
  })

  it("invariant 7: the same token made to last longer is a renewal", () => {
    const it = provider().withToken()
    it.rejected("T1")
    it.acquired("T1")
    assert.deepStrictEqual(it.state.cached?.startedAt, it.now)
  })

  it("invariant 7: the replay is accepted: the budget of replacements is whole again", () => {
    const it = provider().withReplacement()
    assert.deepStrictEqual(it.on({ _tag: "ReplayAccepted" }), nothing)
    assert.deepStrictEqual(it.rejected("T2"), ["TokenRejected", "Acquire"])
  })

  it("invariant 7: the replay gets 401 too: the new token stays, and the next replacement waits twice as long", () => {
    const it = provider().withReplacement()
    const waits = [1, 2, 4, 8, 16, 32, 60, 60]
    for (const [index, minutes] of waits.entries()) {
      const used = it.state.cached!.token
      assert.deepStrictEqual(it.wait(minutes * minute - 1).heldBack(used), [true])
      assert.deepStrictEqual(it.heldBack(used), [false])
      assert.deepStrictEqual(it.answer(), token(used))
      assert.deepStrictEqual(it.replacement(used), token(used))
      assert.deepStrictEqual(it.replacement(used, { isRepeated: true }), {
        _tag: "Failure",
        error: undefined,
        retryAfter: 1
      })
      assert.deepStrictEqual(it.wait(1).rejected(used), ["TokenRejected", "Acquire"])
      // The clocks go on with each wait: the token would be renewed in between.
      it.acquired(`T${index + 3}`, { lifetime: 24 * hour })
    }
  })

  it("invariant 7: a token that was accepted, and is rejected by each request for 15 seconds, waits a minute at most", () => {
    const it = provider().withReplacement()
    it.wait(minute).rejected("T2")
    it.acquired("T3")
    it.wait(minute)
    assert.deepStrictEqual(it.rejected("T3", 1), ["ReplacementHeldBack"])
    assert.deepStrictEqual(it.wait(14 * second).rejected("T3", 3), ["ReplacementHeldBack"], "that may be one endpoint")
    assert.deepStrictEqual(it.wait(second).rejected("T3", 4, false), ["ReplacementHeldBack"], "it was never accepted")
    assert.deepStrictEqual(it.rejected("T3", 2), ["ReplacementHeldBack"], "these are few")
    assert.deepStrictEqual(it.rejected("T3", 4), ["TokenRejected", "Acquire"])
  })

  it("invariant 7: a 401 in the last second of a token that was good is an expiry, and costs no budget", () => {
    const it = provider()
    it.requested()
    it.acquired("T1", { lifetime: second })
    assert.deepStrictEqual(it.wait(100).rejected("T1"), ["Acquire"])
    assert.deepInclude(it.answer(), { _tag: "Wait" })
    it.acquired("T2")
    assert.isUndefined(it.state.replacement.at)
  })
})

describe("a token from another process", () => {
  const shared = (token: string, version: number, startedAt: Instant) =>
    ({ _tag: "TokenShared", token, version, startedAt, lifetime: hour, isShared: true, random: 0 }) as const

  const sharing = () => {
    const it = provider()
    it.requested()
    it.acquired("T1", { version: 1 })
    return it.wait(10 * minute)
  }

  it("invariant 3: a later version replaces the token in use, an earlier or the same one changes nothing", () => {
    const it = sharing()
    assert.deepStrictEqual(it.on(shared("T2", 2, it.now)), ["TokenAcquired", "WakeAt", "CompleteWaiters"])
    const { state } = it
    for (const version of [1, 2]) assert.deepStrictEqual(it.on(shared("T", version, it.now)), nothing)
    assert.strictEqual(it.state, state)
    assert.deepStrictEqual(it.answer(), token("T2"))
  })

  it("invariant 10: one that comes twice does not make an expired token good again", () => {
    const it = provider()
    const first = { startedAt: noon, lifetime: 10 * second }
    it.requested()
    it.acquired("T1", first)
    // The clock is set back, and the server says that the same token ends two seconds later.
    it.wait(8 * second).setClock(-10 * minute)
    it.requested()
    it.acquired("T1", { startedAt: it.now, lifetime: 3 * second })
    // The machine sleeps until then.
    it.setClock(5 * second)
    assert.deepStrictEqual(it.answer(), { _tag: "Retry" })
    assert.deepStrictEqual(it.on({ ...shared("T1", 0, it.now), ...first }), nothing)
  })

  it("invariant 3: an expired one changes nothing", () => {
    const it = sharing()
    assert.deepStrictEqual(it.on(shared("T2", 2, after(it.now, -hour))), nothing)
  })

  it("invariant 1: it ends the acquisition in flight, and answers the callers who wait for that", () => {
    const it = sharing()
    it.rejected("T1")
    const commands = ["CancelAcquisition", "TokenAcquired", "WakeAt", "CompleteWaiters"]
    assert.deepStrictEqual(it.on(shared("T2", 2, it.now)), commands)
    assert.deepStrictEqual(it.replacement("T1", { waited: ended }), token("T2"))
  })

  it("invariant 7: one that was requested after a rejection costs budget, and no other does", () => {
    const it = sharing()
    it.on(shared("T2", 2, it.now))
    assert.isUndefined(it.state.replacement.at)
    it.rejected("T2")
    it.on(shared("T3", 3, after(it.now, -second)))
    assert.isUndefined(it.state.replacement.at)
    it.rejected("T3")
    it.on(shared("T4", 4, it.now))
    assert.strictEqual(it.state.replacement.delay, minute)
  })

  it("invariant 7: a rejected token is replaced by a later version than was ever seen in the store", () => {
    const it = sharing()
    it.rejected("T1")
    // The store was unavailable.
    it.acquired("T2", { version: 0 })
    const [, begin] = it.wait(minute).commands({
      _tag: "TokenRejected",
      token: "T2",
      wasAccepted: true,
      rejectedInARow: 1
    })
    assert.deepInclude(begin, { _tag: "Acquire", laterThan: 1 })
  })
})

describe("Lifecycle.status", () => {
  it("says in a word what a provider is doing", () => {
    const it = provider()
    const status = () => Lifecycle.status(it.state, it.now)
    assert.strictEqual(status(), "empty")
    it.requested()
    assert.strictEqual(status(), "acquiring")
    it.failed()
    assert.strictEqual(status(), "failed")
    it.wait(minute).requested()
    it.acquired("T1")
    assert.strictEqual(status(), "valid")
    it.wait(50 * minute).requested()
    assert.strictEqual(status(), "renewing")
  })
})
