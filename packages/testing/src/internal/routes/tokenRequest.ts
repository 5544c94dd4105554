import * as Base64 from "effect/encoding/Base64"
import type * as Headers from "effect/http/Headers"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"

/** The credentials that a well-formed token request presents. */
export interface Presented {
  readonly clientId: string
  readonly clientSecret: Redacted.Redacted
  readonly via: "body" | "basic"
}

/** What a well-formed token request asks for. */
export interface TokenRequest extends Presented {
  /** The user's token that is to be exchanged; absent where the client acts for itself. */
  readonly subjectToken: Redacted.Redacted | undefined
  readonly scope: string | undefined
}

/** Why a token request is not well-formed. */
export type Malformed =
  | { readonly _tag: "MediaType" }
  | {
    readonly _tag: "OAuth2"
    readonly error: "invalid_request" | "unsupported_grant_type"
    readonly description: string
    readonly clientId: string | undefined
  }

/**
 * Validates the form of a token request by RFC 6749 and RFC 8693. Whether the credentials and the user's token are right is
 * not checked here.
 */
export const parse = (request: {
  readonly headers: Headers.Headers
  readonly query: string
  readonly body: string
}): Result.Result<TokenRequest, Malformed> => {
  if (mediaType(request.headers["content-type"]) !== "application/x-www-form-urlencoded") {
    return Result.fail({ _tag: "MediaType" })
  }
  // Section 2.3.1: credentials "MUST NOT be included in the request URI"; nor does anything else belong there.
  if (request.query !== "") return invalid("The token endpoint takes no query")
  return Result.flatMap(
    fields(request.body),
    (form) =>
      Result.flatMap(
        credentials(form, request.headers.authorization),
        (presented): Result.Result<TokenRequest, Malformed> => {
          const grant = form.get("grant_type")
          if (grant === undefined) return invalid("grant_type is missing", presented.clientId)
          const scope = form.get("scope")
          if (grant === "client_credentials") return Result.succeed({ ...presented, scope, subjectToken: undefined })
          if (grant !== tokenExchange) {
            return Result.fail<Malformed>({
              _tag: "OAuth2",
              error: "unsupported_grant_type",
              description: `The grant types of this mock are client_credentials and ${tokenExchange}`,
              clientId: presented.clientId
            })
          }
          // RFC 8693, section 2.1: both are required.
          const subjectToken = form.get("subject_token")
          if (subjectToken === undefined) return invalid("subject_token is missing", presented.clientId)
          if (!form.has("subject_token_type")) return invalid("subject_token_type is missing", presented.clientId)
          return Result.succeed({ ...presented, scope, subjectToken: Redacted.make(subjectToken) })
        }
      )
  )
}

const tokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange"

const invalid = (description: string, clientId?: string | undefined): Result.Result<never, Malformed> =>
  Result.fail({ _tag: "OAuth2", error: "invalid_request", description, clientId })

const mediaType = (contentType: string | undefined): string | undefined =>
  contentType?.split(";", 1)[0]?.trim().toLowerCase()

const fields = (body: string): Result.Result<ReadonlyMap<string, string>, Malformed> => {
  const seen = new Set<string>()
  const form = new Map<string, string>()
  // A leading "?" belongs to the first name; `URLSearchParams` would drop it.
  for (const [name, value] of new URLSearchParams(body.replace(/^\?/, "%3F"))) {
    if (seen.has(name)) return invalid(`${name} is given more than once`)
    seen.add(name)
    // Section 3.2: "Parameters sent without a value MUST be treated as if they were omitted from the request."
    if (value !== "") form.set(name, value)
  }
  return Result.succeed(form)
}

const credentials = (
  form: ReadonlyMap<string, string>,
  authorization: string | undefined
): Result.Result<Presented, Malformed> => {
  const clientId = form.get("client_id")
  const clientSecret = form.get("client_secret")
  if (authorization !== undefined) {
    return clientId === undefined && clientSecret === undefined
      ? basic(authorization)
      : invalid("Credentials are given in the body and in Authorization", clientId)
  }
  if (clientId === undefined) return invalid("client_id is missing")
  if (clientSecret === undefined) return invalid("client_secret is missing", clientId)
  return Result.succeed({ clientId, clientSecret: Redacted.make(clientSecret), via: "body" })
}

const basic = (authorization: string): Result.Result<Presented, Malformed> => {
  const encoded = /^basic +(\S+)$/i.exec(authorization)?.[1]
  if (encoded === undefined) return invalid("Authorization is not of the Basic scheme")
  const text = Base64.decodeString(encoded)
  if (Result.isFailure(text)) return invalid("Authorization is not Base64")
  const colon = text.success.indexOf(":")
  if (colon === -1) return invalid("Authorization has no colon between client id and secret")
  const clientId = formDecode(text.success.slice(0, colon))
  const clientSecret = formDecode(text.success.slice(colon + 1))
  return Option.isSome(clientId) && Option.isSome(clientSecret)
    ? Result.succeed({ clientId: clientId.value, clientSecret: Redacted.make(clientSecret.value), via: "basic" })
    : invalid("Client id and secret are not form-encoded before they are Base64-encoded (RFC 6749, section 2.3.1)")
}

// Strict on purpose: a decoder that lets a raw `:` or space pass would hide a client that forgot to encode.
const formDecode = (text: string): Option.Option<string> =>
  /^(?:[\w.~!*'()+-]|%[0-9a-f]{2})+$/i.test(text)
    ? Result.getSuccess(Result.try(() => decodeURIComponent(text.replaceAll("+", " "))))
    : Option.none()
