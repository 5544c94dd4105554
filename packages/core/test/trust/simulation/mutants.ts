/** One wrong edit of the core that the simulation has to find. */
export interface Mutant {
  readonly name: string
  /** A file below `packages/core/src`. */
  readonly file: string
  /** Stands in it once. */
  readonly from: string
  readonly to: string
  /** A seed with which the simulation finds it soon; 1 unless it says otherwise. */
  readonly seed?: number
}

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "reject whatever token is in use, whichever was meant",
    file: "internal/lifecycle.ts",
    from: "if (this.#live === undefined || !AccessToken.equals(this.#live.token, token)) return Effect.void",
    to: "if (this.#live === undefined) return Effect.void"
  },
  {
    name: "share no flight",
    file: "internal/lifecycle.ts",
    from: "flight !== undefined && this.#clocks.isBeforeOnWall(flight.overdueAt) ? flight : this.#takeOff()",
    to: "this.#takeOff()"
  },
  {
    name: "wait for a flight that was frozen with the process",
    file: "internal/lifecycle.ts",
    from: "flight !== undefined && this.#clocks.isBeforeOnWall(flight.overdueAt) ? flight : this.#takeOff()",
    to: "flight ?? this.#takeOff()",
    seed: 2
  },
  {
    name: "replay as often as it is refused",
    file: "internal/authenticate.ts",
    from: "exchange(replayable, true)",
    to: "exchange(replayable, false)"
  },
  {
    name: "replay a body that can be sent once",
    file: "internal/authenticate.ts",
    from: "body._tag !== \"Stream\" && body._tag !== \"Raw\"",
    to: "body._tag !== \"Raw\"",
    seed: 4
  },
  {
    name: "take every 401 for a rejection",
    file: "internal/authenticate.ts",
    from: "isFrom(origin, response) && rejectsToken(response)",
    to: "isFrom(origin, response)"
  },
  {
    name: "take a 403 for a rejection",
    file: "internal/authenticate.ts",
    from: "status === 401 &&",
    to: "(status === 401 || status === 403) &&"
  },
  {
    name: "send the bearer to any origin",
    file: "internal/authenticate.ts",
    from: ": isAt(origin, url)",
    to: ": true"
  },
  {
    name: "replace the caller's own Authorization",
    file: "internal/authenticate.ts",
    from: "if (\"authorization\" in original.headers) return Effect.succeed(complete(original, url, unauthenticated))",
    to:
      "original = HttpClientRequest.makeWith(original.method, original.url, original.urlParams, original.hash, Headers.remove(original.headers, \"authorization\"), original.body)"
  },
  {
    name: "do not reject at all",
    file: "internal/authenticate.ts",
    from: "provider.reject(used),",
    to: "Effect.void,"
  },
  {
    name: "ignore Retry-After",
    file: "RefreshPolicy.ts",
    from: "return Math.max(step * (0.5 + 0.5 * random), asked)",
    to: "return step * (0.5 + 0.5 * random)"
  },
  {
    name: "do not back off",
    file: "RefreshPolicy.ts",
    from: "return Math.max(step * (0.5 + 0.5 * random), asked)",
    to: "return Math.max(1, asked)"
  },
  {
    name: "use a token until it is dead, without leeway",
    file: "RefreshPolicy.ts",
    from: "lifetime - Math.min(Duration.toMillis(policy.leeway), lifetime * 0.05)",
    to: "lifetime",
    seed: 5
  },
  {
    name: "renew at random, however early",
    file: "RefreshPolicy.ts",
    from: "return latest * (1 - policy.jitter * random)",
    to: "return latest * random"
  },
  {
    name: "renew when the token is dead",
    file: "RefreshPolicy.ts",
    from: "return latest * (1 - policy.jitter * random)",
    to: "return lifetime + 1"
  },
  {
    name: "believe every rejection",
    file: "internal/rejections.ts",
    from: "if (wait > 0) {",
    to: "if (wait > 60_000) {"
  },
  {
    name: "take a rejected token again",
    file: "internal/rejections.ts",
    from: "equals(found.token, token) && this.#clocks.isBefore(found.until))",
    to: "equals(found.token, token) && found !== found)",
    seed: 5
  },
  {
    name: "look at the wall clock alone",
    file: "internal/twoClocks.ts",
    from: "this.#wall < limit.wall && this.#mono < limit.mono",
    to: "this.#wall < limit.wall"
  },
  {
    name: "look at the monotonic clock alone",
    file: "internal/twoClocks.ts",
    from: "this.#wall < limit.wall && this.#mono < limit.mono",
    to: "this.#mono < limit.mono"
  },
  {
    name: "forget what was refused",
    file: "internal/lifecycle.ts",
    from: "Math.max(backoff, Duration.toMillis(this.#policy.refusalTimeToLive))",
    to: "backoff"
  },
  {
    name: "forget a refusal when the source fails",
    file: "internal/lifecycle.ts",
    from: "if (refused !== undefined) this.#refusal = this.#hold",
    to: "this.#refusal = refused === undefined ? undefined : this.#hold"
  },
  {
    name: "remember a refusal whatever the credentials",
    file: "internal/acquisition.ts",
    from: "if (refused !== undefined && Credentials.equals(refused, current)) return",
    to: "if (refused !== undefined) return",
    seed: 7
  },
  {
    name: "drop the valid token when its renewal fails",
    file: "internal/lifecycle.ts",
    from: "this.#lastError = error\n",
    to: "this.#lastError = error\n    this.#live = undefined\n"
  },
  {
    name: "make everybody wait for a renewal",
    file: "internal/lifecycle.ts",
    from: "return this.#live?.exit ?? this.#acquire(giveUpAt)",
    to: "return Deferred.await(this.#board().result)"
  },
  {
    name: "renew whenever somebody waited",
    file: "internal/lifecycle.ts",
    from: "if (!this.#clocks.isBefore(live.renewAt) && this.#holdLeft() === 0) this.#board()",
    to: "if (this.#holdLeft() === 0) this.#board()"
  },
  {
    name: "let an interrupted caller take the acquisition along",
    file: "internal/lifecycle.ts",
    from: "        Deferred.await(flight.result),\n        (error)",
    to:
      "        Effect.onInterrupt(Deferred.await(flight.result), () => Effect.sync(() => flight.fiber?.interruptUnsafe())),\n        (error)"
  },
  {
    name: "keep the first credentials for ever",
    file: "internal/provider.ts",
    from: "makeAcquisition(credentials, endpoint",
    to: "makeAcquisition({ current: yield* Effect.cached(credentials.current) }, endpoint"
  },
  {
    name: "go on renewing when the scope is closed",
    file: "internal/lifecycle.ts",
    from: "return Fiber.runIn(Effect.runForkWith(this.#context)(effect), this.#scope)",
    to: "return Effect.runForkWith(this.#context)(effect)"
  },
  {
    name: "put the secret into a span",
    file: "TokenEndpoint.ts",
    from: "\"url.full\": address",
    to: "\"url.full\": `${address}?${Redacted.value(credentials.clientSecret)}`"
  },
  {
    name: "repeat what a server says, secret or token and all",
    file: "internal/printable.ts",
    from: "if (repeatsOne(text, secrets)) return \"<redacted>\"",
    to: ""
  }
]
