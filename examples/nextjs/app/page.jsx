import { countCompanies } from "../lib/companies.js"

// The page is made anew when it is older than a second.
export const revalidate = 1

export default async function Page() {
  return <p>{await countCompanies(1)} companies</p>
}
