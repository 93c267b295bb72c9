import { describe, expect, test } from 'vitest'
import { nameOfAddress, parseName } from '../../../../src/devagent/dns/dns-names.ts'

describe('a name of DNS', () => {
  test.each([
    ['db.service.consul', { kind: 'service', name: 'db', tag: undefined }],
    ['DB.Service.DC1.Consul.', { kind: 'service', name: 'db', tag: undefined }],
    ['master.db.service.consul', { kind: 'service', name: 'db', tag: 'master' }],
    ['v1.2.db.service.consul', { kind: 'service', name: 'db', tag: 'v1.2' }],
    ['_db._tcp.service.consul', { kind: 'service', name: 'db', tag: undefined }],
    ['_db._master.service.consul', { kind: 'service', name: 'db', tag: 'master' }],
    ['web1.node.consul', { kind: 'node', name: 'web1' }],
    ['web1.rack.node.dc1.consul', { kind: 'node', name: 'web1.rack' }],
    ['0a000009.addr.dc1.consul', { kind: 'address', address: '10.0.0.9' }],
    [
      'fd000000000000000000000000000007.addr.consul',
      { kind: 'address', address: 'fd00:0000:0000:0000:0000:0000:0000:0007' },
    ],
    ['xx.addr.consul', undefined],
    ['db.service.dc9.consul', undefined],
    ['service.consul', undefined],
    ['nothing.consul', undefined],
    ['consul', undefined],
    ['example.com', 'elsewhere'],
    ['', 'elsewhere'],
    ['.', 'elsewhere'],
  ])('%s', (name, asked) => {
    expect(parseName(name)).toEqual(asked)
  })

  test.each(['10.0.0.9', '255.255.255.255', 'fd00::7', '::1'])('can be made of the address %s', (address) => {
    expect(parseName(nameOfAddress(address))).toMatchObject({ kind: 'address' })
  })
})
