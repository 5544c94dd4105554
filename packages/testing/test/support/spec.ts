/**
 * Validation against Spotnana's published OpenAPI descriptions. They lie beside the checkout, not in it, so a test that
 * needs them asks `isPresent` first: `describe.skipIf(!isPresent)`.
 */
import formats from "ajv-formats"
import { Ajv2020, type ErrorObject } from "ajv/dist/2020.js"
import { existsSync, readFileSync } from "node:fs"

const documents = {
  auth: new URL("../../../../../shared/spec/spotnana-auth-openapi.json", import.meta.url),
  companies: new URL("../../../../../shared/spec/spotnana-companies-openapi.json", import.meta.url),
  partnerKeys: new URL("../../../../../shared/spec/spotnana-partner-keys-openapi.json", import.meta.url)
}

/** One of the published descriptions. */
export type Document = keyof typeof documents

/** What the validator has against a value; empty when it has nothing. */
export type Errors = ReadonlyArray<ErrorObject>

/** Whether the published descriptions are there to validate against. */
export const isPresent = Object.values(documents).every((url) => existsSync(url))

/** To put in a suite's name, so that a skipped one says why. */
export const title = `the published OpenAPI descriptions${isPresent ? "" : " (absent: ../shared/spec)"}`

/** As much of a description as is read here. */
export interface Description {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly responses: Responses } | undefined>> | undefined>
  >
  readonly components: {
    readonly schemas: Readonly<
      Record<string, { readonly properties?: Readonly<Record<string, { readonly description?: string }>> }>
    >
  }
}

type Responses = Readonly<Record<string, { readonly $ref?: string } | undefined>>

/** A description as it was published. */
export const read = (document: Document): Description => JSON.parse(readFileSync(documents[document], "utf8"))

/** What a description says of a field of one of its schemas. */
export const fieldOf = (document: Document, schema: string, field: string): string =>
  read(document).components.schemas[schema]?.properties?.[field]?.description ?? ""

const load = () => {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  formats.default(ajv)
  const add = (document: Document): Description => {
    const description = read(document)
    // A description is no schema, but schemas are found in it by their pointers.
    ajv.addSchema(description, document, undefined, false)
    return description
  }
  return { ajv, auth: add("auth"), companies: add("companies"), partnerKeys: add("partnerKeys") }
}

let loaded: ReturnType<typeof load> | undefined
const published = () => loaded ??= load()

const validateAt = (pointer: string, value: unknown, options?: { readonly closed?: boolean }): Errors => {
  const validate = published().ajv.compile(
    options?.closed === true ? { $ref: pointer, unevaluatedProperties: false } : { $ref: pointer }
  )
  return validate(value) ? [] : validate.errors ?? []
}

/**
 * Validates a value against a schema of `#/components/schemas`. The descriptions are open, as new fields may come at
 * any time; `closed` admits no field that they do not name.
 */
export const validateSchema = (
  document: Document,
  schema: string,
  value: unknown,
  options?: { readonly closed?: boolean }
): Errors => validateAt(`${document}#/components/schemas/${schema}`, value, options)

/** Validates the fields of a token request, as they are before they are form-encoded. */
export const validateTokenRequest = (fields: Readonly<Record<string, unknown>>): Errors =>
  validateSchema("auth", "OAuthTokenRequest", fields, { closed: true })

/** Validates the JSON of an answer against what is documented for this path, method and status. */
export const validateAnswer = (
  document: Document,
  path: string,
  method: "get" | "post" | "delete",
  status: number,
  value: unknown
): Errors => {
  const responses = published()[document].paths[path]?.[method]?.responses
  const response = responses?.[status]
  if (response === undefined) throw new Error(`${method} ${path} has no documented answer of status ${status}`)
  const pointer = response.$ref ?? `#/paths/${path.replaceAll("/", "~1")}/${method}/responses/${status}`
  return validateAt(`${document}${pointer}/content/application~1json/schema`, value)
}
