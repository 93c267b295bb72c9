import { expect, test } from 'vitest'
import { orFromFile } from '../../../../src/cli/connection/consul-of-file.ts'
import { CONSUL_OPTIONS } from '../../../../src/cli/options/consul-options.ts'
import { valuesOf } from '../../../../src/cli/syntax/option.ts'

const FILE = { http_addr: 'foo:bar' }
const NONE = valuesOf(CONSUL_OPTIONS, {})

test("an address in a file that is none is the file's fault, and none where another one counts", () => {
  expect(() => orFromFile(NONE, FILE, {})).toThrow(
    `the file's consul.http_addr "foo:bar" is not the address of a Consul agent`,
  )
  expect(orFromFile(NONE, FILE, { CONSUL_HTTP_ADDR: 'x:1' })['http-addr']).toBeUndefined()
  const given = valuesOf(CONSUL_OPTIONS, { 'http-addr': 'y:1' })
  expect(orFromFile(given, FILE, {})['http-addr']).toBe('y:1')
  expect(orFromFile(NONE, { http_addr: 'z:1' }, {})['http-addr']).toBe('z:1')
})
