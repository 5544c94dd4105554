// A pipeline with `bearerTokenAuthenticationPolicy`, and a `TokenCredential` that asks for a token.
import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createHttpHeaders,
  createPipelineFromOptions,
  createPipelineRequest
} from "@azure/core-rest-pipeline"
import { answered, apiUrl, tokenForm, tokenUrl } from "./given.mjs"

// The policy sends a bearer over https alone, and the server of a run speaks http.
const plain = createDefaultHttpClient()
const httpClient = {
  sendRequest: (request) => {
    request.url = request.url.replace("https:", "http:")
    return plain.sendRequest(request)
  }
}

const credential = {
  getToken: async () => {
    const { bodyAsText } = await httpClient.sendRequest(createPipelineRequest({
      url: tokenUrl,
      method: "POST",
      headers: createHttpHeaders({ "content-type": "application/x-www-form-urlencoded" }),
      body: tokenForm().toString(),
      allowInsecureConnection: true
    }))
    const { access_token, expires_in } = JSON.parse(bodyAsText)
    return { token: access_token, expiresOnTimestamp: Date.now() + expires_in * 1000 }
  }
}

const pipeline = createPipelineFromOptions({})
pipeline.addPolicy(bearerTokenAuthenticationPolicy({ credential, scopes: [] }))

const request = createPipelineRequest({ url: apiUrl.replace("http:", "https:"), allowInsecureConnection: true })
const { bodyAsText, status } = await pipeline.sendRequest(httpClient, request)
JSON.parse(bodyAsText)
answered(status)
