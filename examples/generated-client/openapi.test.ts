// The description is of Spotnana and of the mock.
import { Environment, SpotnanaHttpClient } from "@effect-spotnana/core"
import { assert, describe, it } from "@effect/vitest"
import formats from "ajv-formats"
import { Ajv2020 } from "ajv/dist/2020.js"
import { Effect } from "effect"
import * as Spec from "../../packages/testing/test/support/spec.ts"
import { endpoints, example } from "../support/run.ts"
import { connect } from "./client.ts"
import openapi from "./openapi.json" with { type: "json" }

/** A part of a description: references replaced by what they refer to, and nothing in it that is for people only. */
const plain = (document: unknown, part: unknown): unknown => {
  if (Array.isArray(part)) return part.map((item) => plain(document, item))
  if (typeof part !== "object" || part === null) return part
  if ("$ref" in part) {
    const names = String(part.$ref).split("/").slice(1)
    return plain(document, names.reduce((found: any, name) => found[name], document))
  }
  const entries = Object.entries(part).filter(([key]) => !["description", "example", "title"].includes(key))
  return Object.fromEntries(entries.map(([key, value]) => [key, plain(document, value)]))
}

describe.skipIf(!Spec.isPresent)(`openapi.json and ${Spec.title}`, () => {
  it("agree on the list of companies", () => {
    const find = (document: { readonly paths: Readonly<Record<string, unknown>> }): any =>
      plain(document, document.paths["/v2/companies"])
    const ours = find(openapi).get
    const theirs = find(Spec.read("companies")).get
    assert.strictEqual(ours.operationId, theirs.operationId)
    assert.isNotEmpty(ours.parameters)
    for (const parameter of ours.parameters) {
      assert.deepStrictEqual(
        // Optional is the default.
        { required: false, ...parameter },
        { required: false, ...theirs.parameters.find(({ name }: { name: string }) => name === parameter.name) }
      )
    }
    const { 200: success, ...errors } = theirs.responses
    assert.deepStrictEqual(ours.responses[200], success)
    assert.sameMembers(Object.keys(errors), ["401", "403"])
    for (const error of Object.values(errors)) assert.deepStrictEqual(ours.responses.default, error)
  })
})

describe.concurrent("what the mock answers, through the generated client,", () => {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  formats.default(ajv)
  ajv.addSchema(openapi, "openapi", undefined, false)
  /** Admits no field that the description does not name. */
  const validatorOf = (schema: keyof typeof openapi.components.schemas) =>
    ajv.compile({ $ref: `openapi#/components/schemas/${schema}`, unevaluatedProperties: false })
  const page = validatorOf("ArrayOfReference")
  const user = validatorOf("User")
  const failure = validatorOf("ErrorResponse")

  const connected = (
    { mock, variables }: Parameters<Parameters<typeof example>[1]>[0],
    test: (spotnana: Awaited<ReturnType<typeof connect>>) => Promise<void>
  ) =>
    Effect.gen(function*() {
      const { clientId, clientSecret } = yield* mock.credentials
      const environment = Environment.makeUnsafe({ baseUrl: variables.SPOTNANA_BASE_URL })
      const spotnana = yield* Effect.acquireRelease(
        Effect.promise(() => connect(SpotnanaHttpClient.layer({ clientId, clientSecret, environment }))),
        ({ close }) => Effect.promise(close)
      )
      yield* Effect.promise(() => test(spotnana))
    })

  example("is what the description says", (subjects) =>
    connected(subjects, async ({ api }) => {
      for (const query of [{}, { offset: 100 }, { offset: 500 }, { limit: 0 }]) {
        const { data, response } = await api.GET("/v2/companies", { params: { query } })
        assert.strictEqual(response.status, 200)
        assert.isTrue(page(data), JSON.stringify(page.errors))
      }
      const found = await api.GET("/v2/users/{userId}", {
        params: { path: { userId: "00000000-0000-4000-9000-000000000001" } }
      })
      assert.isTrue(user(found.data), JSON.stringify(user.errors))
      const none = await api.GET("/v2/users/{userId}", { params: { path: { userId: "nobody" } } })
      const invalid = await api.GET("/v2/companies", { params: { query: { limit: 101 } } })
      // An `Authorization` of the caller's own is left alone, and its 401 is an answer like any other.
      const anonymous = await api.GET("/v2/companies", { headers: { authorization: "Bearer made-up" } })
      assert.deepStrictEqual([none, invalid, anonymous].map(({ response }) => response.status), [404, 400, 401])
      for (const { error } of [none, invalid, anonymous]) {
        assert.isTrue(failure(error), JSON.stringify(failure.errors))
        assert.isString(error?.debugIdentifier)
      }
      assert.isFalse(page({ elements: [{ id: "no-uuid" }] }))
      assert.isFalse(user({}))
      assert.isFalse(failure({ error: "x" }))
    }))

  example(
    "is not noticed to need a new token, not even by a body",
    (subjects) =>
      connected(subjects, async ({ fetch }) => {
        const echo = () =>
          fetch(
            new Request(`${subjects.variables.SPOTNANA_BASE_URL}/v2/echo`, {
              method: "POST",
              headers: { "content-type": "application/json" },
              body: JSON.stringify({ once: "and again" })
            })
          )
        assert.deepStrictEqual(await (await echo()).json(), { once: "and again" })
        await Effect.runPromise(subjects.mock.revokeTokens)
        const again = await echo()
        assert.deepStrictEqual(await again.json(), { once: "and again" })
        assert.strictEqual(again.headers.get("content-type"), "application/json")
      }).pipe(
        Effect.andThen(endpoints),
        Effect.map((endpoints) =>
          assert.deepStrictEqual(endpoints, ["token 200", "api 200", "api 401", "token 200", "api 200"])
        )
      )
  )

  example("ends with the signal of its request", (subjects) =>
    connected(subjects, async ({ fetch }) => {
      const request = new Request(`${subjects.variables.SPOTNANA_BASE_URL}/v2/companies`, {
        signal: AbortSignal.abort()
      })
      const outcome = await fetch(request).then(() => "answered", () => "rejected")
      assert.strictEqual(outcome, "rejected")
    }))
})
