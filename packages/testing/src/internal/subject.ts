import type { State } from "@effect-spotnana/engine/mock/State"
import { knownSubject } from "@effect-spotnana/engine/mock/TokenEndpoint"
import type { Subject } from "@effect-spotnana/engine/mock/TokenEndpoint"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Settings } from "../Settings.ts"
import * as SubjectTokenVerifier from "../SubjectTokenVerifier.ts"

export interface Parts {
  readonly state: State
  /** The client for the partner: for its user endpoint and its JWKS. */
  readonly partner: HttpClient.HttpClient
}

const user = (email: string): Subject => ({ _tag: "User", email })
const refused = (description: string): Subject => ({ _tag: "Refused", description })

const User = Schema.Struct({ email: Schema.NonEmptyString })

const Jwks = Schema.Struct({
  keys: Schema.Array(Schema.Struct({
    kty: Schema.optional(Schema.String),
    kid: Schema.optional(Schema.String),
    n: Schema.optional(Schema.String),
    e: Schema.optional(Schema.String)
  }))
})

/** The partner's answer if it has status 200 and arrives within 5 seconds; undefined for everything else. */
const read = <S extends Schema.Struct<Schema.Struct.Fields> & { readonly DecodingServices: never }>(
  partner: HttpClient.HttpClient,
  request: HttpClientRequest.HttpClientRequest,
  schema: S
): Effect.Effect<S["Type"] | undefined> =>
  HttpClient.filterStatusOk(partner).execute(request).pipe(
    Effect.flatMap(HttpClientResponse.schemaBodyJson(schema)),
    Effect.timeout("5 seconds"),
    Effect.scoped,
    Effect.catchCause(() => Effect.succeed(undefined))
  )

/** Whether a token is not the JWT of a partner, because it was not signed with a known key. */
const isUnsigned = ({ problem }: SubjectTokenVerifier.InvalidSubjectToken): boolean =>
  problem === "Malformed" || problem === "WrongAlgorithm" || problem === "UnknownKey"

/** Verifies a signed token with the registered keys, then with those of the JWKS. */
const verify = (
  { partner, state }: Parts,
  token: Redacted.Redacted,
  jwksUrl: string
): Effect.Effect<string, SubjectTokenVerifier.InvalidSubjectToken> =>
  SubjectTokenVerifier.verify(token, { keys: state.partnerKeys.active() }).pipe(
    Effect.catch((error) =>
      error.problem !== "UnknownKey" || jwksUrl === ""
        ? Effect.fail(error)
        : Effect.flatMap(read(partner, HttpClientRequest.get(jwksUrl), Jwks), (jwks) =>
          jwks === undefined
            ? Effect.fail(
              new SubjectTokenVerifier.InvalidSubjectToken({
                problem: "UnknownKey",
                message: "The JWKS of the partner cannot be read"
              })
            )
            : SubjectTokenVerifier.verify(token, jwks))
    ),
    Effect.map(({ email }) => email)
  )

/** Asks the partner to which user an access token belongs. */
const ask = ({ partner }: Parts, token: Redacted.Redacted, userEndpoint: string): Effect.Effect<Subject> =>
  Effect.map(
    read(partner, HttpClientRequest.bearerToken(HttpClientRequest.get(userEndpoint), token), User),
    (found) =>
      found === undefined
        ? refused("The user endpoint of the partner knows no user with an email for the subject token")
        : user(found.email)
  )

/**
 * Finds the user of a token: of one that a test added, of a JWT that a partner signed, or of an access token that the
 * partner's user endpoint knows.
 */
export const resolve = (
  parts: Parts,
  { jwksUrl, userEndpoint }: Settings,
  token: Redacted.Redacted
): Effect.Effect<Subject> => {
  const known = knownSubject(parts.state.registry, Redacted.value(token))
  return known !== undefined ? Effect.succeed(known) : Effect.matchEffect(verify(parts, token, jwksUrl), {
    onSuccess: (email) => Effect.succeed(user(email)),
    onFailure: (error) =>
      isUnsigned(error) && userEndpoint !== ""
        ? ask(parts, token, userEndpoint)
        : Effect.succeed(refused(error.problem === "Malformed" ? "The subject token is invalid" : error.message))
  })
}
