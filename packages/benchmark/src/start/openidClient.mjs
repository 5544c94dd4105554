// `clientCredentialsGrant` and `fetchProtectedResource`, as in its README.
import { allowInsecureRequests, clientCredentialsGrant, Configuration, fetchProtectedResource } from "openid-client"
import { answered, apiUrl, baseUrl, clientId, clientSecret, tokenUrl } from "./given.mjs"

const configuration = new Configuration({ issuer: baseUrl, token_endpoint: tokenUrl }, clientId, clientSecret)
allowInsecureRequests(configuration)

const { access_token } = await clientCredentialsGrant(configuration)
const response = await fetchProtectedResource(configuration, access_token, new URL(apiUrl), "GET")
await response.json()
answered(response.status)
