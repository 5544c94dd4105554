// `ClientCredentials`, as in its README. The request is `fetch`'s.
import { ClientCredentials } from "simple-oauth2"
import { answered, apiUrl, baseUrl, clientId, clientSecret, tokenPath } from "./given.mjs"

const client = new ClientCredentials({
  client: { id: clientId, secret: clientSecret },
  auth: { tokenHost: baseUrl, tokenPath },
  options: { authorizationMethod: "body" }
})

const { token } = await client.getToken({})
const response = await fetch(apiUrl, { headers: { authorization: `Bearer ${token.access_token}` } })
await response.json()
answered(response.status)
