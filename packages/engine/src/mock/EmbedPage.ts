/**
 * The page of the mock of Spotnana for an iframe.
 *
 * @since 0.1.0
 */
import * as Answer from "./Answer.ts"
import { searchParams } from "./platform.ts"
import type { Handler } from "./Routes.ts"

// The messages of the real page are known. It is not known when the page sends them, and what it checks. This page asks
// as soon as it is loaded, and listens only to the page that embeds it.
const script = `
const from = "spotnana-embed"
const embedder = location.ancestorOrigins?.[0] ?? new URL(document.referrer).origin
const state = document.getElementById("state")

const fail = (errorCode, errorMessage) => {
  state.textContent = errorMessage
  parent.postMessage({ from, type: "TOKEN_EXCHANGE_ERROR", payload: { errorCode, errorMessage } }, embedder)
}

addEventListener("message", async ({ data, origin, source }) => {
  if (origin !== embedder || source !== parent || data?.type !== "TOKEN_EXCHANGE_RESPONSE") return
  const { accessToken, refreshToken } = data.payload ?? {}
  if (!accessToken || !refreshToken) return fail("TOKEN_MISSING", "The response has no access token or no refresh token")
  const answer = await fetch("/v2/companies?limit=1", { headers: { authorization: "Bearer " + accessToken } })
  if (!answer.ok) return fail("TOKEN_REJECTED", "The API answered " + answer.status)
  state.textContent = (await answer.json()).totalNumResults + " companies"
})

parent.postMessage({ type: "TOKEN_EXCHANGE_REQUEST", from }, embedder)
`

const page = (text: string, script: string) =>
  `<!doctype html><meta charset="utf-8"><title>Mock of Spotnana</title><p id="state">${text}</p><script>${script}</script>\n`

/**
 * `GET /embed`. Browsers show it in pages of the embedders only.
 *
 * @category routes
 * @since 0.1.0
 */
export const show: Handler = ({ settings }, { query }) => {
  const { embedders } = settings()
  const usesExchange = searchParams(query).get("idp") === "token-exchange-auth"
  return Answer.make(
    usesExchange
      ? page("Waiting for tokens", script)
      : page("Sign in, or add idp=token-exchange-auth to the address", ""),
    {
      contentType: "text/html; charset=utf-8",
      headers: {
        "content-security-policy": "default-src 'none'; script-src 'unsafe-inline'; connect-src 'self'; " +
          `frame-ancestors ${embedders.length === 0 ? "'none'" : embedders.join(" ")}`
      }
    }
  )
}
