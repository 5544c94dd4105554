import { printable } from "@effect-spotnana/engine/Text"
import * as Schema from "effect/Schema"
import type { AuthError, InvalidCredentials } from "../../AuthError.ts"
import { isAuthError } from "../../AuthError.ts"

/**
 * The token endpoint refused the user's token.
 *
 * **Details**
 *
 * The client's own credentials are right, and other users are not affected. The
 * refusal is remembered for this token of the user, like a refusal of client
 * credentials. Callers get this error without a request for up to a second at
 * first, then for up to twice as long after each further refusal, at most
 * `RefreshPolicy.refusalTimeToLive`. When the source gives another token, it is
 * used at once, unless the last four in a row were refused.
 *
 * @category errors
 * @since 0.1.0
 */
export class SubjectTokenRejected extends Schema.TaggedError<SubjectTokenRejected>()("SubjectTokenRejected", {
  /** What happened and what to do. */
  message: Schema.String,
  /** The user: the `user` option of the layer. */
  user: Schema.String,
  /** The HTTP status of the refusal. */
  status: Schema.Int,
  /** `error` of RFC 6749 §5.2, or `errorCode` of Spotnana's error body. */
  code: Schema.optional(Schema.String),
  /** The correlation id that Spotnana's support can use. */
  debugIdentifier: Schema.optional(Schema.String)
}) {}

/**
 * Every error of a user's client.
 *
 * @category models
 * @since 0.1.0
 */
export type UserAuthError = AuthError | SubjectTokenRejected

/**
 * Tells whether a value is one of the errors of a user's client.
 *
 * @category guards
 * @since 0.1.0
 */
export const isUserAuthError = (u: unknown): u is UserAuthError => u instanceof SubjectTokenRejected || isAuthError(u)

/**
 * Tells whether a refusal is about the user's token. It is the default
 * `rejectsSubject` of {@link Options}.
 *
 * **Details**
 *
 * It returns `true` for the code `invalid_request`, which RFC 8693 §2.2.2 defines
 * for a subject token that is invalid or unacceptable, and for `invalid_grant`,
 * which many servers use. `invalid_request` can also mean that the form lacks
 * something, but then the server refuses the requests of all users.
 *
 * @category predicates
 * @since 0.1.0
 */
export const rejectsSubject = ({ code }: InvalidCredentials): boolean => /^invalid_(request|grant)$/i.test(code ?? "")

/** Turns an error of the provider into the error for callers of a user's client. */
export type ToUserError = (error: AuthError) => UserAuthError

export const makeToUserError = (user: string, isOfSubject: typeof rejectsSubject): ToUserError => {
  // It is a function of the application. If it throws, it counts as `false`.
  const rejects = (error: InvalidCredentials): boolean => {
    try {
      return isOfSubject(error)
    } catch {
      return false
    }
  }
  return (error) => {
    // Without a status there was no request: the client's own credentials cannot be sent.
    if (error._tag !== "InvalidCredentials" || error.status === undefined || !rejects(error)) return error
    const { code, debugIdentifier, message, status } = error
    const said = message.replace(/ Check the client id.*/, "")
    return new SubjectTokenRejected({
      user,
      status,
      code,
      debugIdentifier,
      message: `The token of user ${printable(user, [])} was refused. ${said} ` +
        "Sign the user in again, or check the subjectTokenType."
    })
  }
}
