// The least that makes the two requests.
import { answered, apiUrl, tokenForm, tokenUrl } from "./given.mjs"

const token = await fetch(tokenUrl, { method: "POST", body: tokenForm() })
const { access_token } = await token.json()
const response = await fetch(apiUrl, { headers: { authorization: `Bearer ${access_token}` } })
await response.json()
answered(response.status)
