import type { Defect } from "./broken/defects.ts"
import type { Call, ClientOptions, Outcome } from "./Protocol.ts"
import type { Spotnana } from "./Spotnana.ts"
import type { SubjectProcess } from "./SubjectProcess.ts"
import { expectEqual, Violation } from "./Violation.ts"

/** One client of a subject. */
export class Client {
  readonly #process: SubjectProcess
  readonly #client: string

  constructor(process: SubjectProcess, client: string) {
    this.#process = process
    this.#client = client
  }

  /** Makes the same call several times at once. */
  calls(times: number, call: Call | string): Promise<ReadonlyArray<Outcome>> {
    const asked = typeof call === "string" ? { url: call } : call
    const outcomes = this.#process.tell({ type: "call", client: this.#client, call: asked, times })
    // Nobody waits for it any more after the scenario has failed.
    outcomes.catch(() => {})
    return outcomes
  }
  call(call: Call | string): Promise<Outcome> {
    const outcome = this.calls(1, call).then(([outcome]) => outcome!)
    outcome.catch(() => {})
    return outcome
  }
  /** Interrupts the oldest call that is in progress. */
  interrupt(): Promise<null> {
    return this.#process.tell({ type: "interrupt", client: this.#client })
  }
  status(): Promise<string> {
    return this.#process.tell({ type: "status", client: this.#client })
  }
  setSecret(clientSecret: string): Promise<null> {
    return this.#process.tell({ type: "setSecret", client: this.#client, clientSecret })
  }
  close(): Promise<null> {
    return this.#process.tell({ type: "close", client: this.#client })
  }
}

/** The environment of a scenario. */
export interface Trial {
  readonly server: Spotnana
  readonly process: SubjectProcess
  /** A new client of the server. */
  readonly start: (refresh?: ClientOptions["refresh"], timeout?: ClientOptions["timeout"]) => Promise<Client>
}

/** One claim about the wire. */
export interface Scenario {
  /** The claim, as a sentence. */
  readonly name: string
  /** The invariant of CONTRIBUTING.md, or the row of "What a 401 does" in docs/errors.md. */
  readonly holds: string
  /** The broken subject that has to fail this. */
  readonly finds: Defect
  /**
   * Whether it needs its own process, because it is about the process's clock, suspension or end. Default: it shares
   * one.
   */
  readonly ownProcess?: boolean
  /** Fails with a `Violation` if the claim does not hold. */
  readonly run: (trial: Trial) => Promise<void>
}

/** Expects calls to be answered with a status. */
export const expectStatus = (what: string, status: number, ...outcomes: ReadonlyArray<Outcome>): void => {
  for (const outcome of outcomes) {
    if (outcome.status === status) continue
    throw new Violation(`${what} to be answered with ${status}`, JSON.stringify(outcome))
  }
}

/** Expects a call to fail, with these fields of the failure. */
export const expectFailure = (
  what: string,
  outcome: Outcome,
  expected: Partial<NonNullable<Outcome["failure"]>>
): void => {
  const { failure } = outcome
  if (failure === undefined) throw new Violation(`${what} to fail with ${expected.tag}`, JSON.stringify(outcome))
  const found = Object.fromEntries(Object.keys(expected).map((key) => [key, Reflect.get(failure, key)]))
  expectEqual(`the failure of ${what}`, found, expected)
}
