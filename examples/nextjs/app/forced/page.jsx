import { countCompanies } from "../../lib/companies.js"

export const revalidate = 1
// Every answer that the page gets by `fetch` is stored, whatever the request says.
export const fetchCache = "force-cache"

export default async function Page() {
  return <p>{await countCompanies(2)} companies</p>
}
