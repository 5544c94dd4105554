import { MockSpotnana } from "@effect-spotnana/testing"
import { Effect, Layer, Redacted } from "effect"
import { HttpClient, HttpClientRequest, type HttpClientResponse } from "effect/http"

export const baseUrl = "https://api.spotnana.com"
export const tokenUrl = `${baseUrl}/v2/auth/oauth2-token`

/** A mock of its own for a test, and the client whose requests end there. */
export const inProcess = (options?: MockSpotnana.Options) =>
  MockSpotnana.layerHttpClient.pipe(Layer.provideMerge(MockSpotnana.layer(options)))

export const form = (client: MockSpotnana.Client): Record<string, string> => ({
  grant_type: "client_credentials",
  client_id: client.clientId,
  client_secret: Redacted.value(client.clientSecret)
})

export const postForm = (
  fields: Record<string, string | ReadonlyArray<string>>,
  headers: Record<string, string> = {}
) =>
  HttpClientRequest.post(tokenUrl).pipe(
    HttpClientRequest.bodyUrlParams(fields),
    HttpClientRequest.setHeaders(headers),
    HttpClient.execute
  )

/** Posts a body to the token endpoint just as it is. */
export const postRaw = (body: string, contentType: string, headers: Record<string, string> = {}) =>
  HttpClientRequest.post(tokenUrl).pipe(
    HttpClientRequest.bodyText(body, contentType),
    HttpClientRequest.setHeaders(headers),
    HttpClient.execute
  )

/** The token request of the first client, or of the one given. */
export const requestToken = (client?: MockSpotnana.Client) =>
  Effect.flatMap(
    client === undefined ? MockSpotnana.MockSpotnana.use((mock) => mock.credentials) : Effect.succeed(client),
    (client) => postForm(form(client))
  )

export interface TokenAnswer {
  readonly access_token: string
  readonly token_type: string
  readonly expires_in?: unknown
}

export interface ErrorAnswer {
  readonly debugIdentifier: string
  readonly errorMessages: ReadonlyArray<{ readonly errorCode: string; readonly message: string }>
  readonly error: string
  readonly error_description: string
}

export interface Companies {
  readonly length: number
  readonly elements: ReadonlyArray<{ readonly id: string; readonly name: string }>
  readonly totalNumResults: number
}

export const bodyOf = <A = ErrorAnswer>(response: HttpClientResponse.HttpClientResponse) =>
  Effect.map(response.json, (json) => json as A)

/** A token of the first client, or of the one given. */
export const issueToken = (client?: MockSpotnana.Client) =>
  requestToken(client).pipe(
    Effect.flatMap(bodyOf<TokenAnswer>),
    Effect.map((answer) => answer.access_token)
  )

export const get = (path: string, token?: string) =>
  HttpClientRequest.get(`${baseUrl}${path}`).pipe(
    token === undefined ? (request) => request : HttpClientRequest.bearerToken(token),
    HttpClient.execute
  )

export const statusOf = (path: string, token?: string) => Effect.map(get(path, token), (response) => response.status)
