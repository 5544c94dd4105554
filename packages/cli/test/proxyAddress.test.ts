import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { listening } from "../src/proxy/address.ts"

const own = ["127.0.0.1:7768", "localhost:7768", "[::1]:7768"]

describe("where the proxy listens", () => {
  it.each([
    [undefined, [], ["127.0.0.1", "::1"], own, undefined],
    [
      undefined,
      ["host.docker.internal"],
      ["127.0.0.1", "::1"],
      [...own, "host.docker.internal:7768"],
      "--allow-host host.docker.internal"
    ],
    ["127.0.0.1", [], ["127.0.0.1"], own, undefined],
    ["127.0.0.2", [], ["127.0.0.2"], [...own, "127.0.0.2:7768"], undefined],
    ["::1", [], ["::1"], own, undefined],
    ["10.0.0.5", [], ["10.0.0.5"], [...own, "10.0.0.5:7768"], "--address 10.0.0.5"],
    ["FD00::5", [], ["FD00::5"], [...own, "[fd00::5]:7768"], "--address FD00::5"],
    ["::ffff:127.0.0.1", [], ["::ffff:127.0.0.1"], [...own, "[::ffff:7f00:1]:7768"], "--address ::ffff:127.0.0.1"],
    ["0.0.0.0", ["Proxy"], ["0.0.0.0"], [...own, "proxy:7768"], "--address 0.0.0.0"],
    ["::", ["proxy:9000", "[fd00::5]"], ["::"], [...own, "proxy:9000", "[fd00::5]:7768"], "--address ::"],
    ["0.0.0.0", ["gateway:80"], ["0.0.0.0"], [...own, "gateway", "gateway:80"], "--address 0.0.0.0"]
  ])("address %j with the hosts %j", (address, allowHost, addresses, hosts, keyRequiredBy) => {
    const read = Result.getOrThrow(listening({ address, allowHost }))
    assert.deepStrictEqual([read.addresses, read.hosts(7768), read.keyRequiredBy], [addresses, hosts, keyRequiredBy])
  })

  // Browsers send `Sec-Fetch-Site` to those names only. They do not say that a request to another name is from a page.
  it.each([
    ["localhost", false],
    ["LocalHost:80", false],
    ["app.localhost", false],
    ["app.localhost:3000", false],
    ["127.0.0.1:80", false],
    ["127.1.2.3", false],
    ["[::1]", false],
    ["[::1]:80", false],
    ["dev.example", true],
    ["dev.example:80", true],
    ["proxy", true],
    ["notlocalhost", true],
    ["localhost.example", true],
    ["127.0.0.1.nip.io", true],
    ["127.example", true],
    ["10.0.0.5", true],
    ["[fd00::5]", true]
  ])("the host %j needs the key: %j", (host, needsKey) => {
    const { keyRequiredBy } = Result.getOrThrow(listening({ address: undefined, allowHost: ["localhost", host] }))
    assert.strictEqual(keyRequiredBy, needsKey ? `--allow-host ${host}` : undefined)
  })

  it("port 80 goes without saying", () => {
    const { hosts } = Result.getOrThrow(listening({ address: "10.0.0.5", allowHost: [] }))
    assert.includeMembers([...hosts(80)], ["10.0.0.5", "10.0.0.5:80", "localhost", "localhost:80"])
  })

  it.each([
    ["0.0.0.0", [], /^--address 0\.0\.0\.0 means all addresses .+--allow-host/],
    ["::", [], /^--address :: means all addresses /],
    ["0:0:0:0:0:0:0:0", [], /means all addresses /],
    ["proxy", ["proxy"], /^--address "proxy": expected an IP address/],
    ["0", ["proxy"], /expected an IP address/],
    [undefined, ["*"], /^--allow-host "\*": expected a name/],
    [undefined, ["*.example"], /expected a name/],
    [undefined, ["http://proxy"], /expected a name/],
    [undefined, ["a b"], /expected a name/],
    [undefined, [""], /expected a name/],
    [undefined, ["user@proxy"], /expected a name/]
  ])("address %j with the hosts %j is refused", (address, allowHost, problem) => {
    const read = listening({ address, allowHost })
    assert.match(Result.isFailure(read) ? read.failure : "", problem)
  })
})
