import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { listening } from "../src/proxy/address.ts"

const own = ["127.0.0.1:7768", "localhost:7768", "[::1]:7768"]

describe("where the proxy listens", () => {
  it.each([
    [undefined, [], ["127.0.0.1", "::1"], own, false],
    [undefined, ["host.docker.internal"], ["127.0.0.1", "::1"], [...own, "host.docker.internal:7768"], false],
    ["127.0.0.1", [], ["127.0.0.1"], own, false],
    ["127.0.0.2", [], ["127.0.0.2"], [...own, "127.0.0.2:7768"], false],
    ["::1", [], ["::1"], own, false],
    ["10.0.0.5", [], ["10.0.0.5"], [...own, "10.0.0.5:7768"], true],
    ["FD00::5", [], ["FD00::5"], [...own, "[fd00::5]:7768"], true],
    ["::ffff:127.0.0.1", [], ["::ffff:127.0.0.1"], [...own, "[::ffff:7f00:1]:7768"], true],
    ["0.0.0.0", ["Proxy"], ["0.0.0.0"], [...own, "proxy:7768"], true],
    ["::", ["proxy:9000", "[fd00::5]"], ["::"], [...own, "proxy:9000", "[fd00::5]:7768"], true],
    ["0.0.0.0", ["gateway:80"], ["0.0.0.0"], [...own, "gateway", "gateway:80"], true]
  ])("address %j with the hosts %j", (address, allowHost, addresses, hosts, needsKey) => {
    const read = Result.getOrThrow(listening({ address, allowHost }))
    assert.deepStrictEqual([read.addresses, read.hosts(7768), read.needsKey], [addresses, hosts, needsKey])
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
