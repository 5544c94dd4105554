// The AWS SDK's identity provider and signer, put together as in the SDK's clients. The request is `fetch`'s.
import {
  createIsIdentityExpiredFunction,
  doesIdentityRequireRefresh,
  HttpBearerAuthSigner,
  memoizeIdentityProvider
} from "@smithy/core"
import { HttpRequest } from "@smithy/core/transport"
import { answered, apiPath, apiUrl, baseUrl, tokenForm, tokenUrl } from "./given.mjs"

const identity = memoizeIdentityProvider(
  async () => {
    const response = await fetch(tokenUrl, { method: "POST", body: tokenForm() })
    const { access_token, expires_in } = await response.json()
    return { token: access_token, expiration: new Date(Date.now() + expires_in * 1000) }
  },
  createIsIdentityExpiredFunction(300_000),
  doesIdentityRequireRefresh
)

const { hostname, port, protocol } = new URL(baseUrl)
const request = new HttpRequest({ method: "GET", protocol, hostname, port: Number(port), path: apiPath })
const { headers } = await new HttpBearerAuthSigner().sign(request, await identity(), {})
const response = await fetch(apiUrl, { headers })
await response.json()
answered(response.status)
