/** The access token and the decoding of the token response. */
export * as AccessToken from "./AccessToken.ts"
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
/** Spotnana's error body as a typed error. */
export * as SpotnanaApiError from "./SpotnanaApiError.ts"
/** The `HttpClient` that authenticates every request: start here. */
export * as SpotnanaHttpClient from "./SpotnanaHttpClient.ts"
/** One token request: a token, or a typed error. */
export * as TokenEndpoint from "./TokenEndpoint.ts"
/** Hands out the token in use, and renews and replaces it. */
export * as TokenProvider from "./TokenProvider.ts"
/** One token for several processes. */
export * as TokenStore from "./TokenStore.ts"
/** A `TokenStore` on Redis, for a fleet. */
export * as RedisTokenStore from "./RedisTokenStore.ts"
/** A `TokenStore` in a directory, for one machine. */
export * as FileTokenStore from "./FileTokenStore.ts"
