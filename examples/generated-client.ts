// A client whose types are generated from an OpenAPI description, for code that is not written with Effect. The
// description is in `generated-client/openapi.json`; `npx pnpm@10 run generate` makes the types of it.
//
//   SPOTNANA_CLIENT_ID=… SPOTNANA_CLIENT_SECRET=… npx pnpm@10 exec node examples/generated-client.ts
//
// It prints
//
//   Company 118, Company 119, Company 120
//   USER_NOT_FOUND, for support: mock-debug-7
import { AuthError, SpotnanaHttpClient } from "@effect-spotnana/core"
import { connect } from "./generated-client/client.ts"

const { api, close } = await connect(SpotnanaHttpClient.layerConfig())
try {
  const companies = await api.GET("/v2/companies", { params: { query: { offset: 117 } } })
  console.log(companies.data?.elements?.map(({ id, name }) => name ?? id).join(", "))

  // What the API answers with is a value, and so are its errors.
  const { data, error } = await api.GET("/v2/users/{userId}", {
    params: { path: { userId: "00000000-0000-4000-9000-00000000dead" } }
  })
  console.log(data?.id ?? `${error?.errorMessages?.[0]?.errorCode}, for support: ${error?.debugIdentifier}`)
} catch (error) {
  // Where there is no token there is no answer: the promise is rejected with the typed error itself.
  if (!AuthError.isAuthError(error)) throw error
  console.error(error._tag === "InvalidCredentials" ? `Wake somebody up. ${error.message}` : error.message)
  process.exitCode = 1
} finally {
  await close()
}
