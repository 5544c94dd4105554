// `OAuth2Client` with a `refreshHandler`, as in its README, over the `fetch` of Node.
import { OAuth2Client } from "google-auth-library"
import { answered, apiUrl, tokenForm, tokenUrl } from "./given.mjs"

const client = new OAuth2Client({
  forceRefreshOnFailure: true,
  transporterOptions: { fetchImplementation: fetch }
})
client.refreshHandler = async () => {
  const { data } = await client.transporter.request({ url: tokenUrl, method: "POST", data: tokenForm() })
  return { access_token: data.access_token, expiry_date: Date.now() + data.expires_in * 1000 }
}

answered((await client.request({ url: apiUrl })).status)
