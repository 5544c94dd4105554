// The table of docs/endpoints.md: it is whole, and what it names is there.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import * as Fs from "node:fs"
import { baseUrl, inProcess, issueToken } from "./support/requests.ts"
import * as Spec from "./support/spec.ts"

const cells = (line: string): ReadonlyArray<string> => line.split("|").slice(1, -1).map((cell) => cell.trim())

/** The lines of the table: an endpoint as a description has it, what calls it and what answers it. */
const rows = Fs.readFileSync("docs/endpoints.md", "utf8").split("\n")
  .filter((line) => /^\| `[A-Z]+ \//.test(line))
  .map((line) => {
    const [endpoint = "", library = "", mock = ""] = cells(line)
    const [, method = "", path = ""] = /^`([A-Z]+) (\S+)`/.exec(endpoint) ?? []
    const [, file = "", route = ""] = /^`(\w+\.ts)`: `(\w+)`$/.exec(mock) ?? []
    return { line, method, path, file, route, members: [...library.matchAll(/`(\w+)\.(\w+)`/g)] }
  })

/** A path of an endpoint, with something in place of its parameters. */
const example = (path: string): string =>
  path.replace("{companyId}", "4974a66b-7493-4f41-908c-58ba81093947").replace(/\{\w+\}/g, "x")

describe("the table of endpoints", () => {
  it("names a function of the library and a route of the mock in each line", () => {
    assert.isAbove(rows.length, 7)
    for (const { file, line, members, route } of rows) {
      assert.isNotEmpty(members, line)
      for (const [, module, member] of members) {
        const source = Fs.readFileSync(`packages/core/src/${module}.ts`, "utf8")
        assert.match(source, new RegExp(`^( {2}readonly|export const) ${member}\\b`, "m"), line)
      }
      const routes = Fs.readFileSync(`packages/engine/src/mock/${file}`, "utf8")
      assert.match(routes, new RegExp(`^export const ${route}\\b`, "m"), line)
    }
  })

  it.effect("has lines that the mock answers: neither 405 nor 404 for a path that it does not know", () =>
    Effect.gen(function*() {
      const token = yield* issueToken()
      for (const { line, method, path } of rows) {
        const request = HttpClientRequest.make(method as "GET")(`${baseUrl}${example(path)}`)
        const response = yield* HttpClient.execute(HttpClientRequest.bearerToken(request, token))
        assert.notStrictEqual(response.status, 405, line)
        assert.notInclude(yield* response.text, "No such path", line)
      }
      const unknown = yield* HttpClient.execute(
        HttpClientRequest.bearerToken(HttpClientRequest.get(`${baseUrl}/v2/nothing`), token)
      )
      assert.include(yield* unknown.text, "No such path")
    }).pipe(Effect.provide(inProcess())))

  it.skipIf(!Spec.isPresent)(`has every endpoint of ${Spec.title}, and no other`, () => {
    const documented = (["auth", "partnerKeys"] as const).flatMap((document) =>
      Object.entries(Spec.read(document).paths).flatMap(([path, operations]) =>
        Object.entries(operations ?? {})
          .filter(([, operation]) => operation?.responses !== undefined)
          .map(([method]) => `${method.toUpperCase()} ${path}`)
      )
    )
    assert.isAbove(documented.length, 7)
    assert.deepStrictEqual(
      [...new Set(rows.map(({ method, path }) => `${method} ${path}`))].toSorted(),
      documented.toSorted()
    )
  })
})
