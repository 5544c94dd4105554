/**
 * One wrong edit of the core that the simulation has to find. What is wrong in a decision is found by the engine's own
 * simulation; these are of the shell.
 */
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

/** The text of a mutant's file, with the edit. */
export const edited = (source: string, { from, name, to }: Mutant): string => {
  const parts = source.split(from)
  if (parts.length !== 2) throw new Error(`"${name}": its text is there ${parts.length - 1} times, not once`)
  return parts.join(to)
}

const shell = "internal/tokenProvider/shell.ts"
const currentToken = "internal/tokenProvider/currentToken.ts"
const acquisition = "internal/tokenProvider/acquisition.ts"
const authenticate = "internal/httpClient/authenticate.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "go on with the state from before the transition",
    file: shell,
    from: "    this.state = state\n    this.#same",
    to: "    this.state = { ...state, acquisition: before.acquisition }\n    this.#same"
  },
  {
    name: "hand out the cached token although it expired",
    file: currentToken,
    from: " && now.wall - start.wall < this.#wall && now.mono - start.mono < this.#mono",
    to: ""
  },
  {
    name: "hand out the cached token although the wall clock says that it expired",
    file: currentToken,
    from: " && now.wall - start.wall < this.#wall",
    to: ""
  },
  {
    name: "hand out the cached token although the monotonic clock says that it expired",
    file: currentToken,
    from: " && now.mono - start.mono < this.#mono",
    to: "",
    seed: 5
  },
  {
    name: "read one clock only",
    file: "internal/instant.ts",
    from: "mono: Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000",
    to: "mono: clock.currentTimeMillisUnsafe()",
    seed: 5
  },
  {
    name: "count a token's age from when it came",
    file: "internal/tokenEndpoint/requestToken.ts",
    from: "startedAt,\n",
    to: "startedAt: instantOf(clock),\n",
    seed: 5
  },
  {
    name: "leave a replaced acquisition running",
    file: shell,
    from: "    this.fiber?.interruptUnsafe()\n",
    to: "",
    seed: 3
  },
  {
    name: "do not resume the waiters",
    file: shell,
    from: "Deferred.doneUnsafe(waiters, Exit.succeed(this.ended))",
    to: "this.ended"
  },
  {
    name: "never set the timer",
    file: shell,
    from: "        alarmsOf(this.#clock).set(this, Instant.millisUntil(command.at, this.#now))\n",
    to: "",
    seed: 2
  },
  {
    name: "let the timer go on when the scope is closed",
    file: shell,
    from: "alarmsOf(this.#clock).cancel(this)\n      if (this.#waiters",
    to: "if (this.#waiters"
  },
  {
    name: "request a token when the scope is closed",
    file: shell,
    from: "    if (this.#isClosed) return Effect.void\n    const before",
    to: "    const before",
    seed: 12
  },
  {
    name: "let an acquisition outlive its scope",
    file: shell,
    from: "return Fiber.interruptAll(this.#running)",
    to: "return Effect.void",
    seed: 2
  },
  {
    name: "let an interrupted caller take the acquisition along",
    file: shell,
    from: "Deferred.await(this.#waiters ??= Deferred.makeUnsafe())",
    to:
      "Effect.onInterrupt(Deferred.await(this.#waiters ??= Deferred.makeUnsafe()), () => Effect.sync(() => this.fiber?.interruptUnsafe()))"
  },
  {
    name: "wait for a suspect token's replacement without end",
    file: shell,
    from: "if (until === this.state.acquisition?.overdueAt) {",
    to: "if (true) {"
  },
  {
    name: "ignore Retry-After",
    file: shell,
    from: "retryAfter: millisOf(error),",
    to: "retryAfter: undefined,",
    seed: 2
  },
  {
    name: "take a refusal for a failure that passes",
    file: shell,
    from: "error._tag === \"InvalidCredentials\" ? number : undefined",
    to: "undefined",
    seed: 3
  },
  {
    name: "keep the first credentials for ever",
    file: acquisition,
    from: "Effect.flatMap(this.#source.current, (credentials)",
    to: "Effect.flatMap(Effect.map(this.#source.current, (current) => this.first ??= current), (credentials)"
  },
  {
    name: "wait for a credentials source that hangs",
    file: acquisition,
    from: "duration: this.#timeout,",
    to: "duration: \"1 day\",",
    seed: 3
  },
  {
    name: "send a request again as often as it is rejected",
    file: authenticate,
    from: "if (attempt.number === 3 || attempt.isNew)",
    to: "if (attempt.number > 3)",
    seed: 5
  },
  {
    name: "send a body again that can be sent once",
    file: authenticate,
    from: "body._tag !== \"Stream\" && body._tag !== \"Raw\"",
    to: "body._tag !== \"Raw\"",
    seed: 3
  },
  {
    name: "send a rejected request again without a new token",
    file: authenticate,
    from: "tokens.replacement(token, attempt.isRepeated)\n",
    to: "Effect.succeed(token)\n",
    seed: 4
  },
  {
    name: "hand a rejection to the caller",
    file: "Environment.ts",
    from: "status === 401 && Challenge.rejectsToken",
    to: "status === 402 && Challenge.rejectsToken"
  },
  {
    name: "take every 401 for a rejection",
    file: "Environment.ts",
    from: " && Challenge.rejectsToken(answer.headers[\"www-authenticate\"])",
    to: " && answer.headers !== undefined",
    seed: 3
  },
  {
    name: "take a 403 for a rejection",
    file: "Environment.ts",
    from: "answer.status === 401 && Challenge.rejectsToken",
    to: "(answer.status === 401 || answer.status === 403) && Challenge.rejectsToken",
    seed: 7
  },
  {
    name: "send the bearer to any origin",
    file: authenticate,
    from: "Url.resolve(environment, original.url)",
    to: "(Url.resolve(environment, original.url) ?? original.url)"
  },
  {
    name: "put the secret into a span",
    file: "TokenEndpoint.ts",
    from: "\"url.full\": address",
    to: "\"url.full\": `${address}?${secrets[0]}`"
  }
]
