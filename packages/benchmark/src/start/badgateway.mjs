// `OAuth2Fetch` over `OAuth2Client`, as in "Fetch Wrapper" of its README.
import { OAuth2Client, OAuth2Fetch } from "@badgateway/oauth2-client"
import { answered, apiUrl, baseUrl, clientId, clientSecret, tokenPath } from "./given.mjs"

const client = new OAuth2Client({ server: baseUrl, clientId, clientSecret, tokenEndpoint: tokenPath })
const wrapper = new OAuth2Fetch({ client, getNewToken: () => client.clientCredentials() })

const response = await wrapper.fetch(apiUrl)
await response.json()
answered(response.status)
