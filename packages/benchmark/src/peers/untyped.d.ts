// Types for the parts of untyped packages that are used here.

declare module "axios-token-interceptor" {
  import type { InternalAxiosRequestConfig } from "axios"

  interface TokenCache<Token> {
    (): Promise<Token>
    readonly reset: () => void
  }

  const tokenProvider: {
    <Token>(options: {
      readonly getToken: () => Promise<Token>
      readonly headerFormatter: (token: Token) => string
    }): (config: InternalAxiosRequestConfig) => Promise<InternalAxiosRequestConfig>
    /** `getMaxAge` says for how many milliseconds a token is kept. */
    readonly tokenCache: <Token>(
      getToken: () => Promise<Token>,
      options: { readonly getMaxAge: (token: Token) => number }
    ) => TokenCache<Token>
  }
  export default tokenProvider
}

declare module "simple-oauth2" {
  interface Token {
    readonly access_token: string
    readonly expires_in?: number
  }

  interface AccessToken {
    readonly token: Token
    readonly expired: (expirationWindowSeconds?: number) => boolean
  }

  class ClientCredentials {
    constructor(options: {
      readonly client: { readonly id: string; readonly secret: string }
      readonly auth: { readonly tokenHost: string; readonly tokenPath: string }
      readonly options: { readonly authorizationMethod: "header" | "body" }
    })
    getToken(params: { readonly scope?: string }): Promise<AccessToken>
    createToken(token: Token): AccessToken
  }
}
