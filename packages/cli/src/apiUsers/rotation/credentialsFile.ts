import { Credentials } from "@effect-spotnana/core"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { quoted } from "../../quoted.ts"
import { toVariables } from "../shown.ts"

// The same as in `ConfigProvider.fromDotEnvContents`, which does not return the position of a value.
const assignments =
  /^\s*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)(\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?\s*(?:#.*)?$/dgm

/**
 * The text of a file of variables, with the credentials replaced. Everything else stays as it is. A file that has
 * neither an API user nor an address also gets `address`, the lines of `addressOf`.
 */
export const withCredentials = (
  text: string,
  credentials: Credentials.ClientCredentials,
  address: ReadonlyArray<string> = []
): string => {
  let result = text.replaceAll(/\r\n?/g, "\n")
  const isThere = new Set<string>()
  const values: ReadonlyMap<string, string> = new Map([
    ["SPOTNANA_CLIENT_ID", credentials.clientId],
    ["SPOTNANA_CLIENT_SECRET", Redacted.value(credentials.clientSecret)]
  ])
  // From the end, because a replacement moves everything after it.
  for (const { indices, 1: name = "", 2: old = "" } of [...result.matchAll(assignments)].reverse()) {
    const value = values.get(name)
    const place = indices?.[2]
    if (value === undefined || place === undefined) continue
    isThere.add(name)
    const [, before = "", after = ""] = /^(\s*)[^]*?(\s*)$/.exec(old) ?? []
    result = result.slice(0, place[0]) + before + quoted(value) + after + result.slice(place[1])
  }
  const isNew = ["SPOTNANA_CLIENT_ID", "SPOTNANA_BASE_URL", "SPOTNANA_ENVIRONMENT"].every((name) =>
    variable(text, name) === undefined
  )
  const missing = [
    ...(isNew ? address : []),
    ...toVariables(credentials).split("\n").filter((line) => !isThere.has(line.replace(/=.*/, "")))
  ]
  return missing.length === 0 ? result : `${result}${/(^|\n)$/.test(result) ? "" : "\n"}${missing.join("\n")}\n`
}

const variable = (text: string, name: string): string | undefined =>
  Effect.runSync(
    Config.String(name).pipe(Config.withDefault("")).parse(ConfigProvider.fromDotEnvContents(text)).pipe(
      Effect.orElseSucceed(() => "")
    )
  ) || undefined

/** The credentials in the text of a file. */
export const credentialsIn = (text: string): Effect.Effect<Credentials.ClientCredentials, Config.ConfigError> =>
  Credentials.config.parse(ConfigProvider.fromDotEnvContents(text))

export const clientIdIn = (text: string): string | undefined => variable(text, "SPOTNANA_CLIENT_ID")

/** Why no credentials can be put into a file. */
export const problemOf = (text: string): string | undefined => {
  const elsewhere = ["SPOTNANA_CLIENT_ID_FILE", "SPOTNANA_CLIENT_SECRET_FILE"].find((name) =>
    variable(text, name) !== undefined
  )
  return elsewhere === undefined ? undefined : `has ${elsewhere}, which names another file for a credential`
}
