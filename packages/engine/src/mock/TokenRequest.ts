/**
 * The form of a token request to the mock of Spotnana.
 *
 * @since 0.1.0
 */
import { searchParams, textOfBase64 } from "./platform.ts"

/**
 * The credentials that a well-formed token request presents.
 *
 * @category models
 * @since 0.1.0
 */
export interface Presented {
  readonly _tag: "Presented"
  readonly clientId: string
  readonly clientSecret: string
  readonly via: "body" | "basic"
}

/**
 * A well-formed token request.
 *
 * @category models
 * @since 0.1.0
 */
export interface TokenRequest extends Omit<Presented, "_tag"> {
  readonly _tag: "TokenRequest"
  /** The user's token that is to be exchanged; absent if the client acts for itself. */
  readonly subjectToken: string | undefined
  readonly scope: string | undefined
}

/**
 * Why a token request is not well-formed.
 *
 * @category models
 * @since 0.1.0
 */
export type Malformed =
  | { readonly _tag: "MediaType" }
  | {
    readonly _tag: "OAuth2"
    readonly error: "invalid_request" | "unsupported_grant_type"
    readonly description: string
    readonly clientId: string | undefined
  }

const tokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange"

const invalid = (description: string, clientId?: string | undefined): Malformed => ({
  _tag: "OAuth2",
  error: "invalid_request",
  description,
  clientId
})

const mediaType = (contentType: string | undefined): string | undefined =>
  contentType?.split(";", 1)[0]?.trim().toLowerCase()

const fields = (body: string): ReadonlyMap<string, string> | Malformed => {
  const seen = new Set<string>()
  const form = new Map<string, string>()
  // A leading "?" is part of the first name, but `URLSearchParams` would remove it.
  for (const [name, value] of searchParams(body.replace(/^\?/, "%3F"))) {
    if (seen.has(name)) return invalid(`${name} is given more than once`)
    seen.add(name)
    // Section 3.2: "Parameters sent without a value MUST be treated as if they were omitted from the request."
    if (value !== "") form.set(name, value)
  }
  return form
}

const credentials = (
  form: ReadonlyMap<string, string>,
  authorization: string | undefined
): Presented | Malformed => {
  const clientId = form.get("client_id")
  const clientSecret = form.get("client_secret")
  if (authorization !== undefined) {
    return clientId === undefined && clientSecret === undefined
      ? basic(authorization)
      : invalid("Credentials are given in the body and in Authorization", clientId)
  }
  if (clientId === undefined) return invalid("client_id is missing")
  if (clientSecret === undefined) return invalid("client_secret is missing", clientId)
  return { _tag: "Presented", clientId, clientSecret, via: "body" }
}

const basic = (authorization: string): Presented | Malformed => {
  const encoded = /^basic +(\S+)$/i.exec(authorization)?.[1]
  if (encoded === undefined) return invalid("Authorization is not of the Basic scheme")
  const text = textOfBase64(encoded)
  if (text === undefined) return invalid("Authorization is not Base64")
  const colon = text.indexOf(":")
  if (colon === -1) return invalid("Authorization has no colon between client id and secret")
  const clientId = formDecode(text.slice(0, colon))
  const clientSecret = formDecode(text.slice(colon + 1))
  return clientId !== undefined && clientSecret !== undefined
    ? { _tag: "Presented", clientId, clientSecret, via: "basic" }
    : invalid("Client id and secret are not form-encoded before they are Base64-encoded (RFC 6749, section 2.3.1)")
}

// Strict on purpose: a decoder that accepts a raw `:` or space would hide a client that forgot to encode.
const formDecode = (text: string): string | undefined => {
  if (!/^(?:[\w.~!*'()+-]|%[0-9a-f]{2})+$/i.test(text)) return undefined
  try {
    return decodeURIComponent(text.replaceAll("+", " "))
  } catch {
    return undefined
  }
}

/**
 * Validates the form of a token request by RFC 6749 and RFC 8693. Whether the credentials and the user's token are right is
 * not checked here.
 *
 * @category decoding
 * @since 0.1.0
 */
export const parse = ({ body, headers, query }: {
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly query: string
  readonly body: string
}): TokenRequest | Malformed => {
  if (mediaType(headers["content-type"]) !== "application/x-www-form-urlencoded") return { _tag: "MediaType" }
  // Section 2.3.1: credentials "MUST NOT be included in the request URI"; and nothing else belongs there either.
  if (query !== "") return invalid("The token endpoint takes no query")
  const form = fields(body)
  if ("_tag" in form) return form
  const presented = credentials(form, headers["authorization"])
  if (presented._tag !== "Presented") return presented
  const { clientId } = presented
  const grant = form.get("grant_type")
  if (grant === undefined) return invalid("grant_type is missing", clientId)
  const request: TokenRequest = {
    ...presented,
    _tag: "TokenRequest",
    scope: form.get("scope"),
    subjectToken: undefined
  }
  if (grant === "client_credentials") return request
  if (grant !== tokenExchange) {
    return {
      _tag: "OAuth2",
      error: "unsupported_grant_type",
      description: `The grant types of this mock are client_credentials and ${tokenExchange}`,
      clientId
    }
  }
  // RFC 8693, section 2.1: both are required.
  const subjectToken = form.get("subject_token")
  if (subjectToken === undefined) return invalid("subject_token is missing", clientId)
  if (!form.has("subject_token_type")) return invalid("subject_token_type is missing", clientId)
  return { ...request, subjectToken }
}
