// How calls fail, and how a client ends.
import type { Failure } from "../Protocol.ts"
import { expectFailure, expectStatus } from "../Scenario.ts"
import type { Scenario } from "../Scenario.ts"
import { gate, unauthorized } from "../Spotnana.ts"
import type { Answer, Spotnana } from "../Spotnana.ts"
import { expectEqual, expectThat } from "../Violation.ts"

const html = { "content-type": "text/html" }

/** What the token endpoint answers, and the fields of the error that a call fails with. */
const answers = (server: Spotnana): ReadonlyArray<readonly [Answer | "drop", Partial<Failure>]> => [
  [
    { status: 400, body: { error: "invalid_client" } },
    { tag: "InvalidCredentials", status: 400 }
  ],
  [
    { status: 403, body: { debugIdentifier: "d-1", errorMessages: [{ errorCode: "FORBIDDEN" }] } },
    { tag: "InvalidCredentials", status: 403, debugIdentifier: "d-1" }
  ],
  ["drop", { tag: "TokenEndpointUnavailable", reason: "Transport", status: undefined }],
  [{ status: 500 }, { tag: "TokenEndpointUnavailable", reason: "ServerError", status: 500 }],
  [{ status: 429 }, { tag: "TokenEndpointUnavailable", reason: "RateLimited", status: 429 }],
  [
    { status: 403, body: "<html>Blocked</html>", headers: html },
    { tag: "TokenEndpointUnavailable", reason: "Intermediary", status: 403 }
  ],
  [{ status: 200, body: "<html>Welcome</html>", headers: html }, { tag: "MalformedTokenResponse", status: 200 }],
  [{ status: 200, body: { token_type: "Bearer" } }, { tag: "MalformedTokenResponse", status: 200 }],
  [{ status: 404 }, { tag: "MalformedTokenResponse", status: 404 }],
  // By accident or on purpose.
  [
    { status: 401, body: { error: "invalid_client", error_description: `${server.secret} is wrong` } },
    { tag: "InvalidCredentials" }
  ]
]

export const endings: ReadonlyArray<Scenario> = [
  {
    name: "whatever the token endpoint answers, the call fails with the tag for it",
    holds: "invariant 12",
    finds: "untypedErrors",
    run: async ({ server, start }) => {
      for (const [answer, expected] of answers(server)) {
        server.token = () => answer
        const client = await start({ attempts: 1 })
        expectFailure(`a call after ${JSON.stringify(answer)}`, await client.call("/v2/companies"), expected)
      }
      expectEqual("the number of calls that reached the API", server.of("/v2/companies").length, 0)
    }
  },
  {
    name: "a token endpoint that never answers: TokenEndpointUnavailable, Timeout, and the token request is given up",
    holds: "invariant 12",
    finds: "waitsForever",
    run: async ({ server, start }) => {
      const client = await start({ attempts: 1 }, 4_000)
      server.token = () => new Promise(() => {})
      const expected = { tag: "TokenEndpointUnavailable", reason: "Timeout" }
      expectFailure("the call", await client.call("/v2/companies"), expected)
      await server.until("the token request to be given up", () => server.tokenRequests[0]?.answer === "given up")
    }
  },
  {
    name: "an error that repeats secret or token, printed in every way, shows neither",
    holds: "invariant 9",
    finds: "repeatsServerText",
    run: async ({ server, start }) => {
      const client = await start({ attempts: 1 })
      server.api = ({ authorization }) => ({
        ...unauthorized,
        body: { message: `${authorization} and ${server.secret}`, debugIdentifier: "d-2" }
      })
      const rejected = await client.call("/odd")
      expectFailure("a call that is rejected", rejected, { tag: "TokenExpired", debugIdentifier: "d-2" })
      server.token = () => ({ status: 503, body: { message: server.secrets.join(" ") } })
      expectFailure("a call without a token", await (await start({ attempts: 1 })).call("/a"), {
        tag: "TokenEndpointUnavailable"
      })
      server.token = () => ({ status: 401, body: { error: "invalid_client", error_description: server.secret } })
      expectFailure("a refused call", await (await start()).call("/a"), { tag: "InvalidCredentials" })
    }
  },
  {
    name: "closing ends the token request in flight and tells whoever waits, and a call after that says so",
    holds: "invariant 11",
    finds: "ignoresClosing",
    run: async ({ server, start }) => {
      const client = await start()
      const { opened } = gate()
      server.token = async () => {
        await opened
        return server.issue()
      }
      const waiting = client.calls(3, "/waiting")
      await server.until("the token request", () => server.tokenRequests.length > 0)
      await client.close()
      for (const outcome of await waiting) {
        expectThat("whoever waits to be told", outcome.failure !== undefined, outcome)
      }
      await server.until("the token request to be given up", () => server.tokenRequests[0]?.answer === "given up")
      const later = await client.call("/later")
      expectThat("a call after that to say that it is closed", /closed/.test(later.failure?.message ?? ""), later)
      expectEqual("the number of token requests", server.tokenRequests.length, 1)
      expectEqual("the number of calls that reached the API", server.of("/later").length, 0)
    }
  },
  {
    name: "after closing the process exits by itself, and no connection is left",
    holds: "invariant 11",
    finds: "keepsTimer",
    ownProcess: true,
    run: async ({ process, server, start }) => {
      const client = await start()
      expectStatus("the calls", 200, ...await client.calls(10, "/v2/companies"))
      await client.close()
      expectEqual("the exit code", await process.ended(), 0)
      await server.until("every connection to be closed", () => server.connections === 0)
      expectEqual("the number of token requests", server.tokenRequests.length, 1)
    }
  }
]
