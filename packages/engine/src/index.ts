/** Time on two clocks. */
export * as Instant from "./Instant.ts"
/** The numbers that the lifecycle of a token depends on, and what follows from them. */
export * as Policy from "./Policy.ts"
/** The options that a program completes the default policy with. */
export * as PolicyOptions from "./PolicyOptions.ts"
/** State, events and commands of the state machine. */
export type * as State from "./State.ts"
/** The state machine. */
export * as Lifecycle from "./Lifecycle.ts"
/** JSON from outside. */
export * as Json from "./Json.ts"
/** Why an acquisition brought no token. */
export * as TokenFailure from "./TokenFailure.ts"
/** What a store holds of a token. */
export * as StoredToken from "./StoredToken.ts"
/** What a store holds while no process is to request a token. */
export * as StoredFailure from "./StoredFailure.ts"
/** What a store in Redis runs and is called. */
export * as StoredInRedis from "./StoredInRedis.ts"
/** What a store in a directory writes and what it means. */
export * as StoredInFiles from "./StoredInFiles.ts"
/** What an answer of the token endpoint means. */
export * as TokenResponse from "./TokenResponse.ts"
/** Why the token endpoint gave no answer. */
export * as NoAnswer from "./NoAnswer.ts"
/** What an error body says. */
export * as ErrorBody from "./ErrorBody.ts"
/** The `Retry-After` header. */
export * as RetryAfter from "./RetryAfter.ts"
/** Checks of options that are written in a program. */
export * as Options from "./Options.ts"
/** Text from outside, made fit for error messages. */
export * as Text from "./Text.ts"
/** Where the API and its token endpoint are, and which addresses may be used. */
export * as Environment from "./Environment.ts"
/** Where a request goes, and whether the bearer may go with it. */
export * as Url from "./Url.ts"
/** The `WWW-Authenticate` header of a 401. */
export * as Challenge from "./Challenge.ts"
