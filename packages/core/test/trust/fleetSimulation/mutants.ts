import type { Mutant } from "../simulation/mutants.ts"

/** Wrong edits of how the processes share, which the simulation of a fleet has to find. */
export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a store that lets every process write",
    file: "internal/tokenStore/memory.ts",
    from: "if (!isHeldBy(current.lease, fence)) return false\n          current.entry",
    to: "current.entry"
  },
  {
    name: "a store that gives the lease to every process",
    file: "internal/tokenStore/memory.ts",
    from: "if (current.lease !== undefined) {",
    to: "if (current.lease?.failure !== undefined) {"
  },
  {
    name: "ask for no lease",
    file: "internal/tokenStore/sharing.ts",
    from: "if (lease._tag === \"Granted\") return yield* requestUnderLease(view, lease.fence, credentials, request)",
    to: "return yield* requestUnderLease(view, lease._tag === \"Granted\" ? lease.fence : 0, credentials, request)"
  },
  {
    name: "do not extend the lease",
    file: "internal/tokenStore/sharing.ts",
    from:
      "Effect.ignore(bounded(() => backend.extend(key, fence, leaseTime))),\n        Duration.divideUnsafe(leaseTime, 3)",
    to: "Effect.void,\n        leaseTime"
  },
  {
    name: "do not look again under the lease",
    file: "internal/tokenStore/sharing.ts",
    from: "const acquired = Effect.flatMap(\n      lookFor(view, request),",
    to: "const acquired = Effect.flatMap(\n      Effect.succeed(Option.none<Grant>()),",
    seed: 57
  },
  {
    name: "ignore a backoff",
    file: "internal/tokenStore/sharing.ts",
    from: "return Result.fail(failure.error)",
    to: "return yield* requestAlone(view, credentials)",
    seed: 2
  },
  {
    name: "release without a backoff after a failure",
    file: "internal/tokenStore/sharing.ts",
    from: "Effect.as(inBackground(backOff(result.failure)), result)",
    to: "Effect.as(inBackground(release()), result)",
    seed: 2
  },
  {
    name: "read nothing that was written",
    file: "internal/tokenStore/watch.ts",
    from: "if (told?._tag === \"Released\") return",
    to: "if (told !== undefined) return"
  },
  {
    name: "do not look without a notification while waiting",
    file: "internal/tokenStore/sharing.ts",
    from: "Math.min(Duration.toMillis(lease.timeLeft), pollTime, deadline - before.mono)",
    to: "Math.min(Duration.toMillis(lease.timeLeft), deadline - before.mono)",
    seed: 11
  },
  {
    name: "do not subscribe again",
    file: "internal/tokenStore/watch.ts",
    from: "return Effect.forever(Effect.andThen(once, Effect.suspend(() => jittered(pause))))",
    to: "return Effect.andThen(once, Effect.never)"
  },
  {
    name: "wait for a store that hangs",
    file: "internal/tokenStore/lease.ts",
    from: "const operationTimeout = Duration.seconds(2)",
    to: "const operationTimeout = Duration.seconds(8)"
  },
  {
    name: "keep a token that was written too late",
    file: "internal/tokenStore/sharing.ts",
    from: "return Option.getOrElse(yield* lookFor(view, request), () => grant)",
    to: "return grant"
  },
  {
    name: "keep the lease when the scope is closed",
    file: "internal/tokenStore/sharing.ts",
    from: "Effect.onError(() => release())",
    to: "Effect.onError(() => Effect.void)"
  },
  {
    name: "fail with the store",
    file: "internal/tokenStore/sharing.ts",
    from: "(error) => Effect.andThen(watch.unavailable(error), requestAlone(view, credentials))",
    to: "(error) => Effect.andThen(watch.unavailable(error), Effect.never)",
    seed: 11
  },
  {
    name: "never come back to a store that was unavailable",
    file: "internal/tokenStore/watch.ts",
    from: "Effect.andThen(Effect.sync(() => isUnavailable = false))",
    to: "Effect.andThen(Effect.sync(() => isUnavailable = true))"
  },
  {
    name: "let a store keep a token for longer than it lives",
    file: "internal/tokenStore/payload.ts",
    from: "const left = timeLeft(grant, now)",
    to: "const left = grant.lifetime"
  },
  {
    name: "say more in a key than is needed",
    file: "internal/tokenStore/keys.ts",
    from: "${hash.slice(0, 32)}`",
    to: "${hash}`"
  }
]
