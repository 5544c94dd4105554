import { Credentials, Environment, TokenExchange } from "@effect-spotnana/core"
import type { AuthError } from "@effect-spotnana/core"
import { Flag } from "effect/cli"
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Path from "effect/Path"
import * as Redacted from "effect/Redacted"
import type * as Stdio from "effect/Stdio"
import * as Client from "./client.ts"
import * as Configuration from "./configuration.ts"
import { usageFailure } from "./exitCode.ts"
import type { Failure } from "./exitCode.ts"
import { nameOf, textOf } from "./fileOrStdin.ts"
import { inputFile } from "./flag.ts"
import type { Output } from "./output.ts"
import { asItIs } from "./session.ts"
import type { Brief } from "./session.ts"

/** The flags of a command that can act for a user. */
export const flags = {
  subjectTokenFile: inputFile("subject-token-file").pipe(
    Flag.optional,
    Flag.withDescription("Act for the user whose token is in this file, by token exchange. - is stdin")
  ),
  subjectTokenType: Flag.String("subject-token-type").pipe(
    Flag.withMetavar("access_token|jwt|urn"),
    Flag.optional,
    Flag.withDescription("The type of that token (RFC 8693). Default: access_token")
  )
}

export interface Input {
  readonly subjectTokenFile: Option.Option<string>
  readonly subjectTokenType: Option.Option<string>
}

/** A user's token, and where it comes from. */
export interface Subject {
  readonly name: string
  readonly token: Redacted.Redacted
  readonly type: string
}

/** Parses `--subject-token-type`. */
export const parseType = (text: string): Option.Option<string> => {
  switch (text) {
    case "access_token":
      return Option.some(TokenExchange.accessTokenType)
    case "jwt":
      return Option.some(TokenExchange.jwtType)
    default:
      return /^urn:[\x21-\x7e]+$/i.test(text) ? Option.some(text) : Option.none()
  }
}

/** The user that the command line names, if any. */
export const read = (
  { subjectTokenFile, subjectTokenType }: Input
): Effect.Effect<Option.Option<Subject>, Failure, FileSystem.FileSystem | Stdio.Stdio> =>
  Effect.gen(function*() {
    if (Option.isNone(subjectTokenFile)) {
      return Option.isNone(subjectTokenType)
        ? Option.none()
        : yield* usageFailure("--subject-token-type needs a token: name its file with --subject-token-file.")
    }
    const type = parseType(Option.getOrElse(subjectTokenType, () => "access_token"))
    if (Option.isNone(type)) {
      return yield* usageFailure("--subject-token-type: expected access_token, jwt, or a URN of RFC 8693.")
    }
    const token = (yield* textOf(subjectTokenFile.value)).trim()
    const name = nameOf(subjectTokenFile.value)
    if (!/^[\x21-\x7e]+$/.test(token)) {
      return yield* usageFailure(`${name} has no token: expected one line, without spaces. Nothing was sent.`)
    }
    return Option.some({ name, token: Redacted.make(token, { label: "subjectToken" }), type: type.value })
  })

/** For a short command that acts for a user. The user's token is not stored. */
export const layerBrief = (
  input: Configuration.Input,
  { name, token, type }: Subject,
  { assert = () => Effect.void }: Pick<Brief, "assert"> = {}
): Layer.Layer<
  TokenExchange.UserHttpClient | TokenExchange.UserTokenProvider,
  Failure | Config.ConfigError | AuthError.AuthError,
  FileSystem.FileSystem | Path.Path | Output
> =>
  Layer.unwrap(
    Effect.gen(function*() {
      const environment = yield* Environment.config
      yield* assert(environment)
      return TokenExchange.layer({
        environment,
        user: name,
        subjectToken: Effect.succeed(token),
        subjectTokenType: type,
        refresh: asItIs
      }).pipe(Layer.provide(Client.layer(environment.baseUrl)))
    })
  ).pipe(
    Layer.provide(Credentials.layerConfig()),
    Layer.provide(Configuration.layer(input, { subjectTokenFrom: name }))
  )
