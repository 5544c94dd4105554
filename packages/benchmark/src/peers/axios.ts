import axios from "axios"
import type { AxiosInstance, AxiosRequestConfig } from "axios"
import { clientCredentials } from "axios-oauth-client"
import tokenProvider from "axios-token-interceptor"
import type { Client, Peer, Setting } from "../Peer.ts"
import { json, stubBody } from "../support/stub.ts"

/** What the token endpoint answers. */
interface Token {
  readonly access_token: string
  readonly expires_in: number
}

/** How its requests are sent: with Node's own agent, which keeps connections, or answered at once. */
const transport = (setting: Setting): AxiosRequestConfig => {
  if (!setting.stubbed) return {}
  const [token, api] = [stubBody(setting, setting.tokenUrl), stubBody(setting, setting.baseUrl)]
  return {
    adapter: async (config) => ({
      data: config.url === setting.tokenUrl ? token : api,
      status: 200,
      statusText: "OK",
      headers: json,
      config
    })
  }
}

const api = (setting: Setting, config?: AxiosRequestConfig): AxiosInstance =>
  axios.create({ ...transport(setting), baseURL: setting.baseUrl, validateStatus: () => true, ...config })

const clientOf = (instance: AxiosInstance, token: () => Promise<string>): Client => ({
  get: async (path) => (await instance.get(path)).status,
  token,
  close: async () => {}
})

const constant = (setting: Setting, bearer: string): Client =>
  clientOf(api(setting, { headers: { Authorization: `Bearer ${bearer}` } }), async () => bearer)

const authenticated = (setting: Setting): Client => {
  const instance = axios.create(transport(setting))
  const grant: (scope?: string) => Promise<Token> = clientCredentials(
    instance,
    setting.tokenUrl,
    setting.clientId,
    setting.clientSecret
  )
  const getToken = tokenProvider.tokenCache(() => grant(), {
    getMaxAge: ({ expires_in }) => (expires_in - setting.lifetime / 5) * 1000
  })
  const client = api(setting)
  client.interceptors.request.use(
    tokenProvider({ getToken, headerFormatter: ({ access_token }) => `Bearer ${access_token}` })
  )
  return clientOf(client, async () => (await getToken()).access_token)
}

export const axiosOauthClient: Peer = {
  name: "axios-oauth-client",
  packages: ["axios", "axios-oauth-client", "axios-token-interceptor"],
  stack: "own",
  usage:
    "`clientCredentials` of axios-oauth-client in the `tokenCache` of axios-token-interceptor, as in \"Caching\" of " +
    "the latter's README, over axios. `getMaxAge` is a fifth of the lifetime less than `expires_in`.",
  cannot: {},
  open: async (setting) => setting.constant === undefined ? authenticated(setting) : constant(setting, setting.constant)
}
