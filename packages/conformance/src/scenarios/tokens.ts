// When a token is requested, and which one a request carries.
import { setTimeout } from "node:timers/promises"
import { expectFailure, expectStatus } from "../Scenario.ts"
import type { Client, Scenario } from "../Scenario.ts"
import { gate } from "../Spotnana.ts"
import type { Spotnana } from "../Spotnana.ts"
import { expectEqual, expectThat, Violation } from "../Violation.ts"

const companies = "/v2/companies"

/** Waits until the client has read the answer to its renewal. */
const expectRenewed = async (server: Spotnana, client: Client): Promise<void> => {
  for (let n = 0; n < 250; n++) {
    expectStatus("a call after the renewal", 200, await client.call("/renewed"))
    if (server.bearers("/renewed").at(-1) === "token 2") return
    await setTimeout(20)
  }
  throw new Violation("a call with the new token", "250 calls without it")
}

/** A renewal after about a second, with the rest of a minute for it. */
const soonRenewed = { renewAt: 0.02, jitter: 0, backoffBase: 100 } as const
const soonRenewedLifetime = 60

const tooManyRequests = (retryAfter: string) => ({
  status: 429,
  headers: { "retry-after": retryAfter },
  body: { errorCode: "TOO_MANY_REQUESTS" }
})

export const tokens: ReadonlyArray<Scenario> = [
  {
    name: "the first call requests a token and carries it, and the next one carries it too",
    holds: "invariant 3",
    finds: "requestPerCall",
    run: async ({ server, start }) => {
      const client = await start()
      expectEqual("the status before", await client.status(), "empty")
      expectStatus("the calls", 200, await client.call(companies), await client.call(companies))
      expectEqual("the order of requests", server.seen.map(({ bearer, path }) => `${path}: ${bearer}`), [
        "/v2/auth/oauth2-token: no bearer",
        "/v2/companies: token 1",
        "/v2/companies: token 1"
      ])
      expectEqual("the status after", await client.status(), "valid")
    }
  },
  {
    name: "100 callers without a token share one token request",
    holds: "invariant 1",
    finds: "requestPerCaller",
    run: async ({ server, start }) => {
      const client = await start()
      const { open, opened } = gate()
      server.token = async (request) => {
        await opened
        return server.judge(request)
      }
      const calls = client.calls(100, companies)
      await server.until("a token request", () => server.tokenRequests.length > 0)
      // When it is answered, all callers have made their calls.
      expectEqual("the status meanwhile", await client.status(), "acquiring")
      open()
      expectStatus("the calls", 200, ...await calls)
      expectEqual("the number of token requests", server.tokenRequests.length, 1)
      expectEqual("the tokens of the calls", server.bearers(companies), Array.from({ length: 100 }, () => "token 1"))
    }
  },
  {
    name: "interrupting the caller who came first leaves the token request to the others",
    holds: "invariant 2",
    finds: "interruptsAll",
    run: async ({ server, start }) => {
      const client = await start()
      const { open, opened } = gate()
      server.token = async (request) => {
        await opened
        return server.judge(request)
      }
      const calls = client.calls(10, companies)
      await server.until("a token request", () => server.tokenRequests.length > 0)
      await client.interrupt()
      open()
      const [first, ...others] = await calls
      expectFailure("the first call", first!, { tag: "Interrupted" })
      expectStatus("the other calls", 200, ...others)
      expectEqual("the number of token requests", server.tokenRequests.length, 1)
    }
  },
  {
    name: "a renewal ahead of expiry holds up no call",
    holds: "invariant 4",
    finds: "waitsForRenewal",
    run: async ({ server, start }) => {
      const client = await start(soonRenewed)
      const { open, opened } = gate()
      server.lifetime = soonRenewedLifetime
      server.token = async (request, n) => {
        if (n > 1) await opened
        const answer = server.judge(request)
        server.lifetime = 3600
        return answer
      }
      expectStatus("the first call", 200, await client.call(companies))
      await server.until("the renewal, without any call", () => server.tokenRequests.length > 1)
      expectStatus("calls while the renewal is in flight", 200, ...await client.calls(10, "/meanwhile"))
      expectEqual("the token request to be unanswered yet", server.tokenRequests[1]?.answer, "none yet")
      expectEqual("the tokens meanwhile", server.bearers("/meanwhile"), Array.from({ length: 10 }, () => "token 1"))
      open()
      await expectRenewed(server, client)
    }
  },
  {
    name: "an outage of the token endpoint fails no call while the token is good, and ends with the next token",
    holds: "invariant 5",
    finds: "dropsTokenInOutage",
    run: async ({ server, start }) => {
      const client = await start(soonRenewed)
      server.lifetime = soonRenewedLifetime
      let isOver = false
      server.token = (request, n) => {
        if (n > 1 && !isOver) return { status: 503 }
        const answer = server.judge(request)
        server.lifetime = 3600
        return answer
      }
      expectStatus("the first call", 200, await client.call(companies))
      for (const failures of [1, 2, 3]) {
        await server.until(
          `failure number ${failures} of the renewal`,
          () => server.tokenRequests.filter(({ answer }) => answer === 503).length >= failures
        )
        expectStatus(`a call after failure ${failures}`, 200, await client.call("/meanwhile"))
      }
      expectEqual("the tokens meanwhile", server.bearers("/meanwhile"), ["token 1", "token 1", "token 1"])
      isOver = true
      await server.until("the renewal that succeeds", () => server.tokenRequests.at(-1)?.answer === 200)
      await expectRenewed(server, client)
    }
  },
  {
    name: "a Retry-After of an hour fails calls at once, and there is no further token request",
    holds: "invariant 5",
    finds: "forgetsRetryAfter",
    run: async ({ server, start }) => {
      const client = await start()
      server.token = () => tooManyRequests("3600")
      const outcomes = [await client.call(companies), ...await client.calls(10, companies)]
      for (const outcome of outcomes) {
        expectFailure("a call", outcome, { tag: "TokenEndpointUnavailable", reason: "RateLimited", status: 429 })
        const retryAfter = outcome.failure?.retryAfter ?? 0
        expectThat("the error to say when to retry, in an hour", retryAfter > 3e6 && retryAfter <= 3.6e6, outcome)
      }
      expectEqual("the number of token requests", server.tokenRequests.length, 1)
    }
  },
  {
    name: "a Retry-After of two seconds is waited for, and the calls are answered after it",
    holds: "invariant 5",
    finds: "forgetsRetryAfter",
    run: async ({ server, start }) => {
      const client = await start({ backoffBase: 1 })
      server.token = (request, n) => n === 1 ? tooManyRequests("2") : server.judge(request)
      expectStatus("the calls", 200, ...await client.calls(5, companies))
      const [first, second] = server.tokenRequests
      const gap = (second?.at ?? 0) - (first?.answeredAt ?? 0)
      // A timer may go off some milliseconds early.
      expectThat("the second token request two seconds after the first answer", gap > 1_950, `${gap} ms`)
      expectEqual("the number of token requests", server.tokenRequests.length, 2)
    }
  },
  {
    name: "refused credentials are remembered: 100 calls make few token requests",
    holds: "invariant 6",
    finds: "forgetsRefusals",
    run: async ({ server, start }) => {
      const client = await start()
      server.token = () => ({ status: 401, body: { error: "invalid_client" } })
      for (let n = 0; n < 10; n++) {
        for (const outcome of await client.calls(10, companies)) {
          expectFailure("a call", outcome, { tag: "InvalidCredentials", status: 401 })
        }
      }
      // The first refusals are remembered for a second or so.
      const { length } = server.tokenRequests
      expectThat("five token requests at most", length <= 5, `${length} token requests`)
      expectEqual("the number of calls that reached the API", server.of(companies).length, 0)
    }
  },
  {
    name: "a changed secret is used at once, although the one before was refused",
    holds: "invariant 13",
    finds: "readsSecretOnce",
    run: async ({ server, start }) => {
      const client = await start()
      server.rotateSecret()
      expectFailure("a call", await client.call(companies), { tag: "InvalidCredentials" })
      await client.setSecret(server.secret)
      expectStatus("a call with the new secret", 200, await client.call(companies))
      expectEqual("the answers to token requests", server.tokenRequests.map(({ answer }) => answer), [401, 200])
    }
  }
]
