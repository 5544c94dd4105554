// Where the bearer goes, and what is sent again.
import type { Outcome } from "../Protocol.ts"
import { expectFailure, expectStatus } from "../Scenario.ts"
import type { Scenario } from "../Scenario.ts"
import { ok, redirect, unauthorized } from "../Spotnana.ts"
import type { Spotnana } from "../Spotnana.ts"
import { expectEqual } from "../Violation.ts"

const following = (url: string) => ({ url, followRedirects: true }) as const

const hops = (server: Spotnana): ReadonlyArray<string> =>
  server.seen.filter(({ isToken }) => !isToken).map(({ bearer, origin, path }) => `${origin} ${path}: ${bearer}`)

export const requests: ReadonlyArray<Scenario> = [
  {
    name: "a request for another origin carries no bearer",
    holds: "invariant 8",
    finds: "bearerEverywhere",
    run: async ({ server, start }) => {
      const client = await start()
      expectStatus("the calls", 200, await client.call("/a"), await client.call(`${server.elsewhereUrl}/b`))
      expectEqual("the requests", hops(server), ["home /a: token 1", "elsewhere /b: no bearer"])
    }
  },
  {
    name: "a redirect to another origin does not take the bearer along",
    holds: "invariant 8",
    finds: "bearerAlongRedirects",
    run: async ({ server, start }) => {
      const client = await start()
      server.api = () => redirect(`${server.elsewhereUrl}/b`)
      expectStatus("the call", 200, await client.call(following("/a")))
      expectEqual("the requests", hops(server), ["home /a: token 1", "elsewhere /b: no bearer"])
    }
  },
  {
    name: "a redirect of another origin that leads to the API gets no bearer",
    holds: "invariant 8",
    finds: "bearerComesBack",
    run: async ({ server, start }) => {
      const client = await start()
      // So that there is a token to send.
      expectStatus("the first call", 200, await client.call("/first"))
      server.elsewhere = () => redirect(`${server.homeUrl}/b`)
      expectStatus("the call", 200, await client.call(following(`${server.elsewhereUrl}/a`)))
      expectEqual("the requests", hops(server), [
        "home /first: token 1",
        "elsewhere /a: no bearer",
        "home /b: no bearer"
      ])
    }
  },
  {
    name: "the bearer does not come back from a redirect to another origin and home again",
    holds: "invariant 8",
    finds: "bearerComesBack",
    run: async ({ server, start }) => {
      const client = await start()
      server.api = ({ path }) => path === "/a" ? redirect(`${server.elsewhereUrl}/b`) : ok
      server.elsewhere = () => redirect(`${server.homeUrl}/c`)
      expectStatus("the call", 200, await client.call(following("/a")))
      expectEqual("the requests", hops(server), [
        "home /a: token 1",
        "elsewhere /b: no bearer",
        "home /c: no bearer"
      ])
    }
  },
  {
    name: "a redirect of the token endpoint is not followed, and the secret goes nowhere else",
    holds: "invariant 8",
    finds: "followsTokenRedirects",
    run: async ({ server, start }) => {
      for (const status of [301, 302, 303, 307, 308]) {
        const client = await start({ attempts: 1 })
        server.token = () => redirect(`${server.elsewhereUrl}/token`, status)
        expectFailure(`a call with a ${status}`, await client.call(following("/a")), {
          tag: "MalformedTokenResponse",
          status
        })
      }
      expectEqual("what arrived elsewhere, or at the API", hops(server), [])
    }
  },
  {
    name: "a POST whose redirect ended in a 401 is not sent again",
    holds: "invariant 14",
    finds: "repeatsRedirectedPost",
    run: async ({ server, start }) => {
      const client = await start()
      server.api = ({ path }) => path === "/book" ? redirect("/booked", 303) : unauthorized
      const body = { text: "a booking", isStream: false }
      const outcome = await client.call({ ...following("/book"), method: "POST", body })
      expectFailure("the call", outcome, { tag: "TokenExpired" })
      expectEqual("the methods at /book", server.of("/book").map(({ method }) => method), ["POST"])
    }
  },
  {
    name: "a request whose body is a stream is not sent again: TokenExpired, NotReplayable, and the token is replaced",
    holds: "invariant 14",
    finds: "repeatsStreams",
    run: async ({ server, start }) => {
      const client = await start()
      server.api = ({ bearer }) => bearer === "token 1" ? unauthorized : ok
      const call = { url: "/upload", method: "POST", body: { text: "a file", isStream: true } } as const
      expectFailure("the upload", await client.call(call), { tag: "TokenExpired", reason: "NotReplayable" })
      expectEqual("the bodies", server.of("/upload").map(({ body }) => body), ["a file"])
      await server.until("the token to be replaced", () => server.issued === 2)
      // For a moment, the client may not have read the new token yet. Then an upload is sent with the old token, after
      // a second.
      let uploads = 1
      let outcome: Outcome
      do {
        outcome = await client.call(call)
        uploads += 1
      } while (outcome.failure?.reason === "NotReplayable" && uploads < 10)
      expectStatus("the upload, made again", 200, outcome)
      expectEqual("the bodies", server.of("/upload").map(({ body }) => body), Array(uploads).fill("a file"))
      expectEqual("the number of token requests", server.tokenRequests.length, 2)
    }
  },
  {
    name: "a request whose body is text is sent again with the same body",
    holds: "invariant 14",
    finds: "losesBody",
    run: async ({ server, start }) => {
      const client = await start()
      server.api = ({ bearer }) => bearer === "token 1" ? unauthorized : ok
      const body = { text: "a booking", isStream: false }
      expectStatus("the call", 200, await client.call({ url: "/book", method: "POST", body }))
      expectEqual("the requests", server.of("/book").map(({ bearer, body }) => [bearer, body]), [
        ["token 1", "a booking"],
        ["token 2", "a booking"]
      ])
    }
  },
  {
    name: "an Authorization header of the caller's own is left alone, and so is its 401",
    holds: "invariant 3",
    finds: "overwritesAuthorization",
    run: async ({ server, start }) => {
      const client = await start()
      server.api = ({ authorization }) => authorization === "Basic Y2FsbGVy" ? unauthorized : ok
      expectStatus("the first call", 200, await client.call("/first"))
      const outcome = await client.call({ url: "/own", headers: { authorization: "Basic Y2FsbGVy" } })
      expectStatus("the call with its own header", 401, outcome)
      expectEqual("its headers", server.of("/own").map(({ authorization }) => authorization), ["Basic Y2FsbGVy"])
      expectEqual("the number of token requests", server.tokenRequests.length, 1)
    }
  }
]
