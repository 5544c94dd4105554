/**
 * The `WWW-Authenticate` header of a 401 (RFC 6750 §3).
 *
 * @since 0.1.0
 */

/**
 * Whether a 401 with this `WWW-Authenticate` is about the token (RFC 6750 §3.1).
 *
 * **Details**
 *
 * It is about the token without the header, with a header that has no error code,
 * and with every code except `insufficient_scope` and `invalid_request`, which
 * are about the request.
 *
 * @category predicates
 * @since 0.1.0
 */
export const rejectsToken = (wwwAuthenticate: string | undefined): boolean => {
  const challenge = wwwAuthenticate ?? ""
  return /\berror\s*=\s*"?invalid_token\b/i.test(challenge) ||
    !/\bbearer\b.*?\berror\s*=\s*"?(insufficient_scope|invalid_request)\b/i.test(challenge)
}
