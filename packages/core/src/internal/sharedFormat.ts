import { Digest } from "effect/crypto"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Hash from "effect/Hash"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as AccessToken from "../AccessToken.ts"
import { AuthError } from "../AuthError.ts"
import type { ClientCredentials } from "../Credentials.ts"
import type { TokenEndpoint } from "../TokenEndpoint.ts"

// What processes tell each other through a store, and under which key.

const Token = Schema.fromJsonString(Schema.Struct({
  value: Schema.String,
  lifetime: Schema.Number,
  scope: Schema.optional(Schema.String)
}))
const encodeToken = Schema.encodeSync(Token)

export const tokenToPayload = (token: AccessToken.AccessToken): Redacted.Redacted =>
  Redacted.make(encodeToken({
    value: Redacted.value(token.value),
    lifetime: Duration.toMillis(AccessToken.lifetime(token)),
    ...(token.scope === undefined ? undefined : { scope: token.scope })
  }))

const decodeToken = Schema.decodeUnknownOption(Token)

export const tokenOfPayload = (payload: Redacted.Redacted): Option.Option<typeof Token.Type> =>
  decodeToken(Redacted.value(payload))

const Note = Schema.fromJsonString(Schema.Struct({
  error: Schema.toCodecJson(AuthError),
  /** The fingerprint of the credentials that were refused: those who have others are free to ask. */
  refused: Schema.optional(Schema.Number)
}))
const encodeNote = Schema.encodeSync(Note)
const decodeNote = Schema.decodeUnknownOption(Note)

/** Enough to tell two secrets apart, and too little to find one by. */
const fingerprint = ({ clientSecret }: ClientCredentials): number => Hash.string(Redacted.value(clientSecret))

/** Why nobody is to ask for a while. A refusal is a verdict on these credentials, everything else on the endpoint. */
export const errorToNote = (error: AuthError, credentials: ClientCredentials): Redacted.Redacted =>
  Redacted.make(
    encodeNote(error._tag === "InvalidCredentials" ? { error, refused: fingerprint(credentials) } : { error })
  )

/** The error in a note, if it concerns who asks with these credentials. */
export const errorOfNote = (note: Redacted.Redacted, credentials: ClientCredentials): Option.Option<AuthError> =>
  Option.flatMap(
    decodeNote(Redacted.value(note)),
    ({ error, refused }) =>
      refused === undefined || refused === fingerprint(credentials) ? Option.some(error) : Option.none()
  )

/** What tells tokens apart, and no secret: of what may hold one, the token URL and the parameters, there is a hash. */
export const makeKeyOf = (
  { environment, variant }: TokenEndpoint["Service"]
): Effect.Effect<(clientId: string) => string> => {
  const parts = JSON.stringify([environment.baseUrl, environment.tokenUrl, variant ?? ""])
  return Digest.Digest.use((digest) => digest.digestHex(Digest.sha256, new TextEncoder().encode(parts))).pipe(
    Effect.provide(Digest.layerWebCrypto),
    Effect.map((hash) => (clientId) =>
      `${encodeURIComponent(environment.name)}:${encodeURIComponent(clientId)}:${hash.slice(0, 32)}`
    )
  )
}
