// `acquireTokenByClientCredential`, with metadata that names the endpoint: an authority has to be of https.
import { ConfidentialClientApplication } from "@azure/msal-node"
import { answered, apiUrl, baseUrl, clientId, clientSecret, tokenUrl } from "./given.mjs"

const { host } = new URL(baseUrl)
const authority = `https://${host}/benchmark`
const application = new ConfidentialClientApplication({
  auth: {
    clientId,
    clientSecret,
    authority,
    knownAuthorities: [host],
    authorityMetadata: JSON.stringify({
      issuer: authority,
      authorization_endpoint: `${authority}/authorize`,
      token_endpoint: tokenUrl
    })
  }
})

const { accessToken } = await application.acquireTokenByClientCredential({ scopes: ["benchmark/.default"] })
const response = await fetch(apiUrl, { headers: { authorization: `Bearer ${accessToken}` } })
await response.json()
answered(response.status)
