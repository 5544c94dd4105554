import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as Spec from "../../testing/test/support/spec.ts"
import { onMock, subjects } from "./support/harness.ts"

describe.skipIf(!Spec.isPresent)(`the token request and ${Spec.title}`, () => {
  const requestWith = (options: Parameters<typeof onMock>[0]) =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      yield* Effect.exit(provider.get)
      const [entry] = yield* mock.ledger
      return Object.fromEntries(new URLSearchParams(Redacted.value(entry!.body)))
    }).pipe(Effect.provide(onMock(options)))

  it.effect("agree, with every optional field too", () =>
    Effect.gen(function*() {
      expect(Spec.validateTokenRequest(yield* requestWith({}))).toEqual([])
      const full = yield* requestWith({ scope: "a b", audience: "https://apis.spotnana.com/v2" })
      expect(full).toHaveProperty("audience")
      expect(Spec.validateTokenRequest(full)).toEqual([])
    }))

  it.effect("do not agree on a field that is not documented: the validator looks", () =>
    Effect.gen(function*() {
      expect(Spec.validateTokenRequest(yield* requestWith({ parameters: { clientId: "x" } }))).not.toEqual([])
    }))
})
