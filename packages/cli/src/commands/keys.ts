import { PartnerKeys } from "@effect-spotnana/core"
import { hasDotSegment } from "@effect-spotnana/engine/Url"
import { Argument, Command, Flag } from "effect/cli"
import * as Effect from "effect/Effect"
import { FetchHttpClient } from "effect/http"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { nameOf, textOf } from "../fileOrStdin.ts"
import { inputFileArgument, paragraphs, toggle } from "../flag.ts"
import { add } from "../keys/add.ts"
import { generate } from "../keys/generate.ts"
import { list } from "../keys/list.ts"
import { parsePublicKey } from "../keys/publicKey.ts"
import { revoke } from "../keys/revoke.ts"
import * as Session from "../session.ts"

/** Runs it as the API user of the configuration. Requests do not follow redirects, because they add or revoke. */
const asAdministrator = (input: Session.Input) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(
    Effect.provide(Layer.provideMerge(PartnerKeys.layer, Session.layerBrief(input))),
    Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" })
  )

/** Whether the id can be a segment of a path. */
const isId = (id: string): boolean => id !== "" && !hasDotSegment(`/${id}`)
const idExpected = () => "Expected an id, which is neither empty nor . or .."

const flags = {
  ...Session.flags,
  companyId: Flag.String("company-id").pipe(
    Flag.withMetavar("id"),
    Flag.filter(isId, idExpected),
    Flag.withDescription("The id of your organization, a UUID")
  )
}

const listCommand = Command.make("list", {
  ...flags,
  status: Flag.Literals("status", ["ACTIVE", "REVOKED"]).pipe(
    Flag.optional,
    Flag.withDescription("Which keys. Default: ACTIVE")
  ),
  json: toggle("json", "Print an object: keys, with kid, status, id, orgId, createdAt and thumbprint")
}, (input) => list(input).pipe(asAdministrator(input))).pipe(
  Command.withShortDescription("List the registered public keys"),
  Command.withDescription(
    "Print the registered public keys, one per line: kid, status, the time when it was added, thumbprint."
  )
)

const generateCommand = Command.make("generate", {
  writeFile: Flag.Path("write-file").pipe(
    Flag.withMetavar("file"),
    Flag.withDescription("Write the private key into this new file, mode 0600")
  ),
  bits: Flag.Int("bits").pipe(
    Flag.withMetavar("number"),
    Flag.filter(
      (bits) => bits >= 2048 && bits <= 8192 && bits % 8 === 0,
      () => "Expected a multiple of 8 from 2048 to 8192"
    ),
    Flag.withDefault(2048),
    Flag.withDescription("The size of the key. Default: 2048")
  ),
  json: toggle("json", "Print an object: kid, thumbprint, publicKey")
}, generate).pipe(
  Command.withShortDescription("Make a key that signs subject tokens"),
  Command.withDescription(paragraphs(
    "Make an RSA key that signs subject tokens. The private key goes into the new file that --write-file names, as PEM",
    "(PKCS#8), and is never printed. The public key goes to stdout, as a JWK, and its kid to stderr. The kid is the RFC",
    "7638 thumbprint, which an application computes from the key."
  )),
  Command.withExamples([
    {
      command: "spotnana-auth keys generate --write-file key.pem >public.jwk",
      description: "Make a private key for the application, and a public key for keys add"
    }
  ])
)

const addCommand = Command.make("add", {
  file: inputFileArgument("file").pipe(
    Argument.withDescription("The public key: PEM (PUBLIC KEY) or a JWK. - is stdin")
  ),
  ...flags,
  kid: Flag.String("kid").pipe(
    Flag.withMetavar("name"),
    Flag.filter(isId, idExpected),
    Flag.optional,
    Flag.withDescription("The name of the key. Default: the kid of the JWK, or else the RFC 7638 thumbprint")
  ),
  json: toggle("json", "Print an object: kid, status, id, orgId, createdAt and thumbprint")
}, (input) =>
  Effect.gen(function*() {
    const text = yield* textOf(input.file)
    const publicKey = yield* parsePublicKey(nameOf(input.file), text, Option.getOrUndefined(input.kid))
    yield* add(publicKey, input).pipe(asAdministrator(input))
  })).pipe(
    Command.withShortDescription("Register a public key"),
    Command.withDescription(paragraphs(
      "Register a public key at Spotnana, and print its kid. The thumbprint in Spotnana's answer is compared with that of the",
      "key. A file with a private key is refused, and nothing is sent."
    )),
    Command.withExamples([
      {
        command: "spotnana-auth keys add public.jwk --company-id 4974a66b-7493-4f41-908c-58ba81093947",
        description: "Register the key that keys generate has printed"
      }
    ])
  )

const revokeCommand = Command.make("revoke", {
  kid: Argument.String("kid").pipe(Argument.filter(isId, idExpected), Argument.withDescription("The name of the key")),
  ...flags,
  json: toggle("json", "Print an object: kid, revoked")
}, (input) => revoke(input).pipe(asAdministrator(input))).pipe(
  Command.withShortDescription("Revoke a public key"),
  Command.withDescription(paragraphs(
    "Revoke a public key. Spotnana accepts no token of this key any more. If its name begins with -, write the name at the",
    "end, after --."
  )),
  Command.withExamples([
    {
      command: "spotnana-auth keys revoke --company-id 4974a66b-7493-4f41-908c-58ba81093947 -- -x4kG",
      description: "Revoke a key whose name begins with -"
    }
  ])
)

export const keys = Command.make("keys").pipe(
  Command.withShortDescription("Manage the keys that sign subject tokens"),
  Command.withDescription(paragraphs(
    "Manage the keys that sign subject tokens: make a key, and register, list and revoke public keys at Spotnana. This",
    "needs the credentials of a TMC or company administrator.",
    "",
    "Exit codes: 1 if Spotnana registered another key than the one that was sent, 4 and 5 if it answers with an error, 6 if",
    "the credentials or the token were refused, 7 if there was no usable answer, 2 for an error in the command line, the",
    "configuration or the file."
  )),
  Command.withSubcommands([listCommand, generateCommand, addCommand, revokeCommand])
)
