// What a 401 does: the rows of the table in docs/errors.md.
import { expectFailure, expectStatus } from "../Scenario.ts"
import type { Scenario } from "../Scenario.ts"
import { gate, ok, unauthorized } from "../Spotnana.ts"
import { expectEqual, expectThat } from "../Violation.ts"

const row = (n: number) => `row ${n} of "What a 401 does"`

const rejectedAt = (path: string) => (request: { readonly path: string }) => request.path === path ? unauthorized : ok

const repeat = (times: number, of: string): ReadonlyArray<string> => Array.from({ length: times }, () => of)

export const rejections: ReadonlyArray<Scenario> = [
  {
    name: "a late 401 for a token that is not in use any more: sent again with the one in use, without a token request",
    holds: row(1),
    finds: "replacesLateRejections",
    run: async ({ server, start }) => {
      const client = await start()
      const { open, opened } = gate()
      server.api = async ({ bearer, path }) => {
        if (path === "/late" && bearer === "token 1") await opened
        return bearer === "token 1" ? unauthorized : ok
      }
      const late = client.call("/late")
      await server.until("the late call", () => server.of("/late").length > 0)
      expectStatus("the call that is rejected first", 200, await client.call("/first"))
      open()
      expectStatus("the late call", 200, await late)
      expectEqual("the tokens of the late call", server.bearers("/late"), ["token 1", "token 2"])
      expectEqual("the number of token requests", server.tokenRequests.length, 2)
    }
  },
  {
    name:
      "a 401 for a token with which another call was accepted meanwhile: sent again with it, without a token request",
    holds: row(2),
    finds: "forgetsAcceptance",
    run: async ({ server, start }) => {
      const client = await start()
      const { open, opened } = gate()
      server.api = async ({ path }, n) => {
        if (path === "/odd" && n === 1) {
          await opened
          return unauthorized
        }
        return ok
      }
      const odd = client.call("/odd")
      await server.until("the call", () => server.of("/odd").length > 0)
      expectStatus("the other call", 200, await client.call("/other"))
      open()
      expectStatus("the call", 200, await odd)
      expectEqual("the tokens of the call", server.bearers("/odd"), ["token 1", "token 1"])
      expectEqual("the number of token requests", server.tokenRequests.length, 1)
    }
  },
  {
    name: "20 calls that get a 401 at once: one token request for all, and each is sent again with the new token",
    holds: row(3),
    finds: "requestPerCaller",
    run: async ({ server, start }) => {
      const client = await start()
      const { open, opened } = gate()
      server.api = async ({ bearer, path }) => {
        if (bearer !== "token 1" || path === "/first") return ok
        await opened
        return unauthorized
      }
      expectStatus("the first call", 200, await client.call("/first"))
      const calls = client.calls(20, "/all")
      await server.until("20 calls", () => server.of("/all").length === 20)
      open()
      expectStatus("the calls", 200, ...await calls)
      expectEqual("the number of token requests", server.tokenRequests.length, 2)
      expectEqual("the tokens of the calls", server.bearers("/all"), [
        ...repeat(20, "token 1"),
        ...repeat(20, "token 2")
      ])
    }
  },
  {
    name: "calls that come while a rejected token is replaced go with it after a while, if the token endpoint hangs",
    holds: row(3),
    finds: "waitsForReplacement",
    run: async ({ server, start }) => {
      const client = await start()
      const { open, opened } = gate()
      server.token = async (request, n) => {
        if (n > 1) await opened
        return server.judge(request)
      }
      server.api = ({ bearer, path }) => path === "/odd" && bearer === "token 1" ? unauthorized : ok
      const odd = client.call("/odd")
      await server.until("the token request for the rejection", () => server.tokenRequests.length > 1)
      expectStatus("a call meanwhile", 200, await client.call("/meanwhile"))
      expectEqual("the tokens of the call meanwhile", server.bearers("/meanwhile"), ["token 1"])
      expectEqual("the token request to be unanswered yet", server.tokenRequests[1]?.answer, "none yet")
      open()
      expectStatus("the call that was rejected", 200, await odd)
      expectEqual("its tokens", server.bearers("/odd"), ["token 1", "token 2"])
    }
  },
  {
    name: "no new token is to be had: sent again with the rejected one, once; it stays in use for other calls",
    holds: row(4),
    finds: "dropsRejectedToken",
    run: async ({ server, start }) => {
      const client = await start()
      server.token = (request, n) =>
        n === 1 ? server.judge(request) : { status: 503, headers: { "retry-after": "600" } }
      server.api = rejectedAt("/odd")
      const expected = { tag: "TokenEndpointUnavailable", reason: "ServerError", status: 503 }
      const first = await client.call("/odd")
      expectFailure("the call", first, expected)
      const retryAfter = first.failure?.retryAfter ?? 0
      expectThat("the error to say when to retry", retryAfter > 4e5 && retryAfter <= 6e5, first)
      expectEqual("the tokens of the call", server.bearers("/odd"), ["token 1", "token 1"])
      expectStatus("another call", 200, await client.call("/other"))
      expectEqual("the tokens of the other call", server.bearers("/other"), ["token 1"])
      expectFailure("the call, once more", await client.call("/odd"), expected)
      expectEqual("the number of token requests", server.tokenRequests.length, 2)
    }
  },
  {
    name: "the token endpoint hands out the rejected token again: TokenExpired, and the token stays in use",
    holds: row(5),
    finds: "trustsSameToken",
    run: async ({ server, start }) => {
      const client = await start()
      server.token = (request, n) => n === 1 ? server.judge(request) : server.repeat()
      server.api = rejectedAt("/odd")
      expectFailure("the call", await client.call("/odd"), { tag: "TokenExpired", reason: "Rejected" })
      expectEqual("the tokens of the call", server.bearers("/odd"), ["token 1"])
      expectStatus("another call", 200, await client.call("/other"))
      expectEqual("the tokens of the other call", server.bearers("/other"), ["token 1"])
      expectEqual("the number of token requests", server.tokenRequests.length, 2)
    }
  },
  {
    name: "a new token helps: the next 401 is acted on at once",
    holds: row(6),
    finds: "replacesOnce",
    run: async ({ server, start }) => {
      const client = await start()
      let dead: ReadonlyArray<string> = []
      server.api = ({ bearer }) => dead.includes(bearer) ? unauthorized : ok
      expectStatus("the first call", 200, await client.call("/a"))
      dead = ["token 1"]
      expectStatus("a call after the first revocation", 200, await client.call("/b"))
      dead = ["token 1", "token 2"]
      expectStatus("a call after the second revocation", 200, await client.call("/c"))
      expectEqual("the tokens", server.seen.filter(({ isToken }) => !isToken).map(({ bearer }) => bearer), [
        "token 1",
        "token 1",
        "token 2",
        "token 2",
        "token 3"
      ])
    }
  },
  {
    name:
      "a new token does not help: TokenExpired, the new one stays in use, and no further one is requested for a while",
    holds: row(7),
    finds: "replacesEveryTime",
    run: async ({ server, start }) => {
      const client = await start()
      server.api = rejectedAt("/odd")
      expectFailure("the call", await client.call("/odd"), { tag: "TokenExpired", reason: "Rejected" })
      expectEqual("its tokens", server.bearers("/odd"), ["token 1", "token 2"])
      expectStatus("another call", 200, await client.call("/other"))
      expectEqual("the tokens of the other call", server.bearers("/other"), ["token 2"])
      for (let n = 0; n < 5; n++) {
        const outcome = await client.call("/odd")
        expectFailure("the call, once more", outcome, { tag: "TokenExpired", reason: "Rejected" })
        expectThat("the error to say when a new token is due", (outcome.failure?.retryAfter ?? 0) > 0, outcome)
      }
      expectEqual("the number of token requests", server.tokenRequests.length, 2)
    }
  },
  {
    name: "a 403 is the caller's: no token request, and the call is not sent again",
    holds: "invariant 7",
    finds: "replacesOn403",
    run: async ({ server, start }) => {
      const client = await start()
      server.api = () => ({ status: 403 })
      expectStatus("the call", 403, await client.call("/forbidden"))
      expectEqual("the tokens of the call", server.bearers("/forbidden"), ["token 1"])
      expectEqual("the number of token requests", server.tokenRequests.length, 1)
    }
  }
]
