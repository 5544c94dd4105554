import type * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type * as AccessToken from "../../AccessToken.ts"
import type { ClientCredentials, Credentials } from "../../Credentials.ts"
import * as TokenEndpoint from "../../TokenEndpoint.ts"
import { describe, isCredentials } from "../credentialsSource.ts"
import { secretParameters, tokenRequest } from "../tokenEndpoint/tokenRequest.ts"

/** The source of the user's token failed. Callers read its name. */
class SubjectTokenSource extends Data.TaggedError("SubjectTokenSource")<{ readonly message: string }> {}

const failed = (cause: Cause.Cause<unknown>): Effect.Effect<never, SubjectTokenSource> =>
  Effect.fail(new SubjectTokenSource({ message: `it failed with ${describe(cause, [])}` }))

const isSubjectToken = (token: unknown): boolean =>
  Redacted.isRedacted(token) && Predicate.isString(Redacted.value(token)) && Redacted.value(token) !== ""

/**
 * The credentials of a user's provider: those of the client, and the token of the user. The two are joined to one
 * secret, so that everything that applies to a client secret applies to both together. If one of them changes, a
 * remembered refusal does not apply. A store keeps only an HMAC of a refused secret.
 */
export const userCredentials = (
  client: Credentials["Service"],
  subjectToken: Effect.Effect<Redacted.Redacted, unknown>
): Credentials["Service"] => {
  const subject = subjectToken.pipe(
    Effect.catchCause(failed),
    Effect.filterOrFail(
      isSubjectToken,
      () => new SubjectTokenSource({ message: "it gave no token: a Redacted text that is not empty is expected" })
    )
  )
  return {
    current: Effect.flatMap(client.current, (credentials) =>
      isCredentials(credentials)
        ? Effect.map(subject, (token) => joined(credentials, token))
        // Reported later, like any other source without credentials.
        : Effect.succeed(credentials))
  }
}

const joined = ({ clientId, clientSecret }: ClientCredentials, subjectToken: Redacted.Redacted): ClientCredentials => ({
  clientId,
  clientSecret: Redacted.make(
    JSON.stringify([Redacted.value(clientSecret), Redacted.value(subjectToken)]),
    { label: "TokenExchange.credentials" }
  )
})

const parted = ({ clientId, clientSecret }: ClientCredentials) => {
  const [secret, subjectToken] = JSON.parse(Redacted.value(clientSecret)) as [string, string]
  return {
    client: { clientId, clientSecret: Redacted.make(secret) },
    subjectToken: Redacted.make(subjectToken, { label: "TokenExchange.subjectToken" })
  }
}

/** The parts of a user's endpoint. */
export interface Parts {
  readonly options: TokenEndpoint.Options
  readonly user: string
  readonly subjectTokenType: string
  /** Called for each token that was exchanged, with the refresh token that came with it. */
  readonly exchanged: (token: AccessToken.AccessToken, refreshToken: Redacted.Redacted | undefined) => void
}

const grantType = "urn:ietf:params:oauth:grant-type:token-exchange"

/** The token endpoint for one user: each request exchanges the user's token (RFC 8693 §2.1). */
export const makeUserEndpoint = Effect.fnUntraced(function*({ exchanged, options, subjectTokenType, user }: Parts) {
  const httpClient = yield* HttpClient.HttpClient
  // Checks the options too.
  const { environment, timeout, variant = "" } = yield* TokenEndpoint.make(options)
  const variantText = Redacted.isRedacted(variant) ? Redacted.value(variant) : variant
  return {
    environment,
    timeout,
    // Redacted, so that nobody who reads the keys of a store can find out by guessing whose token it has.
    variant: Redacted.make(JSON.stringify([grantType, user, variantText]), { label: "TokenExchange.variant" }),
    acquire: (credentials) => {
      const { client, subjectToken } = parted(credentials)
      const form = {
        ...options,
        parameters: { ...options.parameters, subject_token: subjectToken, subject_token_type: subjectTokenType }
      }
      let refreshToken: unknown
      const endpoint = TokenEndpoint.makeWith({
        environment,
        timeout,
        maxBodySize: options.maxBodySize,
        request: (client) => tokenRequest(environment.tokenUrl, form, client, grantType),
        secrets: secretParameters(form),
        translate: (answer) => {
          refreshToken = answer["refresh_token"]
          return {}
        }
      })
      return endpoint.pipe(
        Effect.flatMap(({ acquire }) => acquire(client)),
        Effect.tap((token) => Effect.sync(() => exchanged(token, redactedText(refreshToken)))),
        Effect.provideService(HttpClient.HttpClient, httpClient)
      )
    }
  } satisfies TokenEndpoint.TokenEndpoint["Service"]
})

const redactedText = (text: unknown): Redacted.Redacted | undefined =>
  Predicate.isString(text) && text !== "" ? Redacted.make(text, { label: "RefreshToken" }) : undefined
