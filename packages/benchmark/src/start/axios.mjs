// axios with axios-oauth-client and axios-token-interceptor, as in the READMEs of the two.
import axios from "axios"
import { clientCredentials } from "axios-oauth-client"
import tokenProvider from "axios-token-interceptor"
import { answered, apiPath, baseUrl, clientId, clientSecret, tokenUrl } from "./given.mjs"

const grant = clientCredentials(axios.create(), tokenUrl, clientId, clientSecret)
const getToken = tokenProvider.tokenCache(() => grant(), { getMaxAge: ({ expires_in }) => expires_in * 1000 })

const client = axios.create({ baseURL: baseUrl })
client.interceptors.request.use(
  tokenProvider({ getToken, headerFormatter: ({ access_token }) => `Bearer ${access_token}` })
)

answered((await client.get(apiPath)).status)
