// The token request for peers that leave it to their user.
import type { Setting } from "../Peer.ts"

/** What the token endpoint answers. */
export interface TokenResponse {
  readonly access_token: string
  readonly expires_in: number
}

/** The form of the token request. */
export const tokenForm = ({ clientId, clientSecret }: Setting): URLSearchParams =>
  new URLSearchParams({ grant_type: "client_credentials", client_id: clientId, client_secret: clientSecret })

/** When a token that was received now expires, in milliseconds since 1970. */
export const expiryOf = ({ expires_in }: TokenResponse): number => Date.now() + expires_in * 1000

/** The margin for peers that have such an option, in milliseconds. */
export const marginOf = ({ lifetime }: Setting): number => (lifetime / 5) * 1000

export const noToken = (status: number): Error => new Error(`The token endpoint answered ${status}.`)
