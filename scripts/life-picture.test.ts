// The picture of a token's life shows what the library does now.
import { Effect, Redacted } from "effect"
import { describe, expect, it } from "vitest"
import { disguises } from "../packages/core/test/support/audit.ts"
import { holdsOfPicture } from "./drawn.ts"
import { makePicture } from "./life-picture/picture.ts"
import { apiLatency, tokenLatency } from "./life-picture/run.ts"

const file = "docs/token-life.svg"
const { recording, svg } = await Effect.runPromise(makePicture)
const { acts, calls, changes, ledger, secrets } = recording

describe("the picture of a token's life", () => {
  holdsOfPicture(file, makePicture, svg)

  it("shows a run in which everything happened that it is to show", () => {
    const states = new Set(changes.map(({ status }) => status.state))
    expect([...states].toSorted()).toEqual(["acquiring", "empty", "renewing", "valid"])
    expect(acts.length).toBe(3)
    const statuses = (endpoint: string) =>
      new Set(ledger.filter((entry) => entry.endpoint === endpoint).map(({ status }) => status))
    expect(statuses("token")).toEqual(new Set([200, 503]))
    expect(statuses("api")).toEqual(new Set([200, 401]))
  })

  it("shows a run in which each call was answered, and none waited but for the first token and the revocation", () => {
    expect(new Set(calls.map(({ status }) => status))).toEqual(new Set([200]))
    const waits = calls.map(({ from, to }) => to - from - apiLatency).filter((wait) => wait > 0)
    expect(waits).toEqual([tokenLatency, tokenLatency, tokenLatency, tokenLatency + apiLatency])
  })

  it("has neither secret nor token in it", () => {
    const values = new Set(secrets.map(Redacted.value))
    // The client secret, and the four tokens.
    expect(values.size).toBe(1 + 4)
    expect([...values].flatMap(disguises).filter((form) => svg.includes(form))).toEqual([])
  })
})
