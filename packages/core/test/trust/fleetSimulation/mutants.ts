import type { Mutant } from "../simulation/mutants.ts"

/** Wrong edits of how the processes share, which the simulation of a fleet has to find. */
export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a store that lets anybody write",
    file: "internal/memoryBackend.ts",
    from: "if (!isHolder(current.lease, fence)) return false\n          current.entry",
    to: "current.entry"
  },
  {
    name: "a store that gives the lease to whoever asks",
    file: "internal/memoryBackend.ts",
    from: "if (current.lease !== undefined) {",
    to: "if (current.lease?.note !== undefined) {"
  },
  {
    name: "ask for no lease",
    file: "internal/sharing.ts",
    from: "if (lease._tag === \"Granted\") return yield* holding(view, lease.fence, credentials, judgement)",
    to: "return yield* holding(view, lease._tag === \"Granted\" ? lease.fence : 0, credentials, judgement)"
  },
  {
    name: "do not extend the lease",
    file: "internal/sharing.ts",
    from:
      "Effect.delay(Effect.ignore(bounded(backend.extend(key, fence, leaseTime))), Duration.divideUnsafe(leaseTime, 3))",
    to: "Effect.delay(Effect.void, leaseTime)"
  },
  {
    name: "do not tell of a rejection",
    file: "internal/sharing.ts",
    from: "if (place === undefined) {",
    to: "if (place !== undefined) {"
  },
  {
    name: "tell of a rejection once, whether or not the store hears",
    file: "internal/sharing.ts",
    from: "Effect.retry(bounded(backend.reject(place.key, place.version)), Schedule.spaced(retryTime))",
    to: "Effect.ignore(bounded(backend.reject(place.key, place.version)))",
    seed: 2
  },
  {
    name: "take a rejected token from the store",
    file: "internal/storeWatch.ts",
    from: "if (rejected) {",
    to: "if (rejected && seen?.version === version) {"
  },
  {
    name: "keep to oneself that another one rejected a token",
    file: "internal/storeWatch.ts",
    from: "tell({ _tag: \"Rejected\", token: seen.token })",
    to: ""
  },
  {
    name: "do not believe another one's rejection",
    file: "internal/lifecycle.ts",
    from: "        this.#rejections.adopt(change.token)\n",
    to: ""
  },
  {
    name: "do not look again under the lease",
    file: "internal/sharing.ts",
    from: "const request = Effect.flatMap(view.look, (stored) => {",
    to: "const request = Effect.flatMap(Effect.succeed(Option.none<AccessToken>()), (stored) => {"
  },
  {
    name: "ignore a pause",
    file: "internal/sharing.ts",
    from: "if (Option.isSome(error)) {",
    to:
      "if (Option.isSome(error)) return own(yield* Effect.result(endpoint.acquire(credentials)))\n          if (Option.isSome(error)) {"
  },
  {
    name: "leave no pause",
    file: "internal/sharing.ts",
    from: "Effect.as(releaseLater(pauseAfter(shared.result.failure)), shared)",
    to: "Effect.as(releaseLater(), shared)"
  },
  {
    name: "no net below the notifications",
    file: "internal/storeWatch.ts",
    from: "Effect.forever(Effect.delay(Effect.catch(made.notice(false), wentAway), pollTime))",
    to: "Effect.never"
  },
  {
    name: "no net below the notifications while waiting",
    file: "internal/sharing.ts",
    from: "Duration.min(lease.timeLeft, pollTime)",
    to: "lease.timeLeft"
  },
  {
    name: "do not subscribe again",
    file: "internal/storeWatch.ts",
    from: "Effect.repeat(Schedule.spaced(retryTime)),\n        Effect.asVoid",
    to: "Effect.asVoid"
  },
  {
    name: "wait for a store that hangs",
    file: "internal/storeWatch.ts",
    from: "const operationTimeout = Duration.seconds(2)",
    to: "const operationTimeout = Duration.seconds(8)"
  },
  {
    name: "a write that came too late is none",
    file: "internal/sharing.ts",
    from: "return Option.isSome(newer) ? fromStore(newer.value) : own(Result.succeed(token))",
    to: "return own(Result.succeed(Option.isSome(newer) ? token : token))"
  },
  {
    name: "keep the lease when the scope is closed",
    file: "internal/sharing.ts",
    from: "Effect.onError(() => release())",
    to: "Effect.onError(() => Effect.void)"
  },
  {
    name: "fail with the store",
    file: "internal/sharing.ts",
    from: "Effect.andThen(watch.wentAway(error), alone)",
    to: "Effect.andThen(watch.wentAway(error), Effect.never)"
  },
  {
    name: "never come back to a store that was away",
    file: "internal/storeWatch.ts",
    from: "Effect.andThen(Effect.sync(() => isAway = false))",
    to: "Effect.andThen(Effect.sync(() => isAway = true))"
  },
  {
    name: "let a store keep a token for longer than it lives",
    file: "internal/sharing.ts",
    from: "const time = yield* timeLeft(token)",
    to: "const time = DateTime.distance(token.issuedAt, token.expiresAt)"
  },
  {
    name: "answer a rejection with an older token",
    file: "internal/lifecycle.ts",
    from: "if (this.#rejections.includes(token) || this.#rejections.includesLaterThan(token)) return false",
    to: "if (this.#rejections.includes(token)) return false"
  },
  {
    name: "keep a token that was replaced by one that lives shorter",
    file: "internal/lifecycle.ts",
    from: "live.token === replaced || next.expiresAt",
    to: "next.expiresAt",
    seed: 2
  },
  {
    name: "say more in a key than is needed",
    file: "internal/sharedFormat.ts",
    from: "${hash.slice(0, 32)}`",
    to: "${hash}`"
  }
]
