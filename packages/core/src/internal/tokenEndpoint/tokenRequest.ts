import * as Base64 from "effect/encoding/Base64"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as UrlParams from "effect/http/UrlParams"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { ClientCredentials } from "../../Credentials.ts"
import { userAgent } from "../http/userAgent.ts"

/** What the form contains besides the credentials, and where the credentials are. */
export interface Form {
  readonly scope?: string | undefined
  readonly audience?: string | undefined
  readonly parameters?: Readonly<Record<string, string | Redacted.Redacted>> | undefined
  readonly clientAuthentication?: "body" | "basic" | undefined
}

// RFC 6749 §2.3.1: id and secret are form-encoded before they become a user name and a password.
const formEncode = (text: string): string => UrlParams.toString([["", text]]).slice(1)

const basic = ({ clientId, clientSecret }: ClientCredentials): string =>
  Base64.encode(`${formEncode(clientId)}:${formEncode(Redacted.value(clientSecret))}`)

/** The request for one token (RFC 6749 §4.4.2, RFC 8693 §2.1). */
export const tokenRequest = (
  tokenUrl: string,
  form: Form,
  credentials: ClientCredentials,
  grantType = "client_credentials"
): HttpClientRequest.HttpClientRequest => {
  const inBody = form.clientAuthentication !== "basic"
  return HttpClientRequest.post(tokenUrl, {
    acceptJson: true,
    headers: {
      "user-agent": userAgent,
      // Without it a server may compress, and the clients of Node do not decompress.
      "accept-encoding": "identity",
      ...(inBody ? undefined : { authorization: `Basic ${basic(credentials)}` })
    }
  }).pipe(HttpClientRequest.bodyUrlParams({
    ...form.parameters,
    ...(form.scope === undefined ? undefined : { scope: form.scope }),
    ...(form.audience === undefined ? undefined : { audience: form.audience }),
    grant_type: grantType,
    ...(inBody ? { client_id: credentials.clientId, client_secret: credentials.clientSecret } : undefined)
  }))
}

// A shorter value would also be found in texts that do not contain it as a key.
const shortestKey = 8

/** What may be a key in the query of a token URL: all of it, and each value. */
const keysIn = (tokenUrl: string): ReadonlyArray<string> => {
  const { search, searchParams } = new URL(tokenUrl)
  return [search.slice(1), ...[...searchParams].map(([name, value]) => value || name)]
    .filter(({ length }) => length >= shortestKey)
}

/** The secrets of a form besides the client secret. */
export const secretParameters = ({ parameters }: Form): ReadonlyArray<Redacted.Redacted> | undefined =>
  parameters && Object.values(parameters).flatMap((value) => Predicate.isString(value) ? [] : [value])

/** The secrets in a token request, which no error may show. */
export const secretsIn = (
  tokenUrl: string,
  { headers }: HttpClientRequest.HttpClientRequest,
  credentials: ClientCredentials,
  further: ReadonlyArray<Redacted.Redacted> = []
): ReadonlyArray<string> => [
  Redacted.value(credentials.clientSecret),
  basic(credentials),
  ...keysIn(tokenUrl),
  ...further.map(Redacted.value),
  // In whatever form it holds the secret, after the scheme.
  ...(headers.authorization === undefined ? [] : [headers.authorization.replace(/^\S+ +/, "")])
]

const plain = (value: string | Redacted.Redacted): string => Predicate.isString(value) ? value : Redacted.value(value)

/** Everything in the form that distinguishes tokens; `Redacted` if a parameter is. */
export const variantOf = ({ audience, parameters = {}, scope }: Form): string | Redacted.Redacted => {
  const values = Object.entries(parameters).map(([name, value]) => [name, plain(value)] as const)
    .toSorted(([one], [other]) => one < other ? -1 : 1)
  const variant = JSON.stringify([scope ?? null, audience ?? null, ...values])
  return Object.values(parameters).some(Redacted.isRedacted)
    ? Redacted.make(variant, { label: "TokenEndpoint.variant" })
    : variant
}
