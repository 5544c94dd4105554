/** Time on two clocks. */
export * as Instant from "./Instant.ts"
/** The numbers that determine the lifecycle of a token, and what follows from them. */
export * as Policy from "./Policy.ts"
/** The options with which a program changes the default policy. */
export * as PolicyOptions from "./PolicyOptions.ts"
/** State, events and commands of the state machine. */
export type * as State from "./State.ts"
/** The state machine. */
export * as Lifecycle from "./Lifecycle.ts"
/** JSON from outside. */
export * as Json from "./Json.ts"
/** Why an acquisition brought no token. */
export * as TokenFailure from "./TokenFailure.ts"
/** What a store contains of a token. */
export * as StoredToken from "./StoredToken.ts"
/** What a store contains while no process may request a token. */
export * as StoredFailure from "./StoredFailure.ts"
/** The scripts of a store in Redis, and the names of its keys. */
export * as StoredInRedis from "./StoredInRedis.ts"
/** What a store in a directory writes, and what it means. */
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
/** Text from outside, cleaned for error messages. */
export * as Text from "./Text.ts"
/** Where the API and its token endpoint are, and which addresses may be used. */
export * as Environment from "./Environment.ts"
/** Where a request goes, and whether it may carry the token. */
export * as Url from "./Url.ts"
/** The `WWW-Authenticate` header of a 401. */
export * as Challenge from "./Challenge.ts"
