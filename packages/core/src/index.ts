/** The access token and the decoding of the token response. */
export * as AccessToken from "./AccessToken.ts"
/** Replaces the credentials of a running application without a lost request. */
export * as ApiUserRotation from "./ApiUserRotation.ts"
/** Spotnana's API users: create, list, rotate, revoke; and tokens for SCIM. */
export * as ApiUsers from "./ApiUsers.ts"
/** The typed errors, and whether a retry can help. */
export * as AuthError from "./AuthError.ts"
/** Where the client id and the client secret come from. */
export * as Credentials from "./Credentials.ts"
/** Where the API and its token endpoint are. */
export * as Environment from "./Environment.ts"
/** When to renew, how long to wait, how to back off. */
export * as RefreshPolicy from "./RefreshPolicy.ts"
/** One token for the requests of a Cloudflare Worker, which may not wait for each other's I/O. */
export * as RequestIsolation from "./RequestIsolation.ts"
/** The `HttpClient` of the SCIM API, whose token never changes. */
export * as ScimHttpClient from "./ScimHttpClient.ts"
/** Variables whose value is in a file, as container platforms mount secrets. */
export * as SecretFiles from "./SecretFiles.ts"
/** Spotnana's error body as a typed error. */
export * as SpotnanaApiError from "./SpotnanaApiError.ts"
/** The `HttpClient` that authenticates every request: start here. */
export * as SpotnanaHttpClient from "./SpotnanaHttpClient.ts"
/** One token request: a token, or a typed error. */
export * as TokenEndpoint from "./TokenEndpoint.ts"
/** The client of one user: the user's token is exchanged for one of Spotnana's. */
export * as TokenExchange from "./TokenExchange.ts"
/** A route for your backend that gives tokens to a page that embeds Spotnana. */
export * as EmbedTokens from "./EmbedTokens.ts"
/** Hands out the token in use, and renews and replaces it. */
export * as TokenProvider from "./TokenProvider.ts"
/** One token for several processes. */
export * as TokenStore from "./TokenStore.ts"
/** A `TokenStore` on Redis, for a fleet. */
export * as RedisTokenStore from "./RedisTokenStore.ts"
/** A `TokenStore` in a directory, for one machine. */
export * as FileTokenStore from "./FileTokenStore.ts"
/** Webhooks: verifies that Spotnana signed a delivery. */
export * as Webhook from "./Webhook.ts"
/** Handles each delivery of a webhook once. */
export * as WebhookDeliveries from "./WebhookDeliveries.ts"
/** The RSA key that signs subject tokens, and its public key. */
export * as SigningKey from "./SigningKey.ts"
/** Subject tokens that you sign, for the token exchange. */
export * as SubjectToken from "./SubjectToken.ts"
/** The public keys of an application, for Spotnana to fetch. */
export * as Jwks from "./Jwks.ts"
/** The public keys with which Spotnana verifies your subject tokens: list, add, revoke. */
export * as PartnerKeys from "./PartnerKeys.ts"
/** Replaces the key that signs subject tokens, without a refused token. */
export * as PartnerKeyRotation from "./PartnerKeyRotation.ts"
