import { describe, expect, test } from 'vitest'
import { Failure } from '../../../src/base/failure.ts'
import { parseAddress } from '../../../src/consul/address.ts'

const plain = { socketPath: undefined, pathPrefix: '', secure: false, isLocal: false }

describe("an agent's address", () => {
  test.each([
    ['127.0.0.1:8500', { ...plain, origin: 'http://127.0.0.1:8500', isLocal: true }],
    ['localhost:8500', { ...plain, origin: 'http://localhost:8500', isLocal: true }],
    ['127.0.0.1.example', { ...plain, origin: 'http://127.0.0.1.example:80' }],
    ['consul.example:18500', { ...plain, origin: 'http://consul.example:18500' }],
    ['consul.example', { ...plain, origin: 'http://consul.example:80' }],
    ['[::1]:8500', { ...plain, origin: 'http://[::1]:8500', isLocal: true }],
    ['http://[::1]', { ...plain, origin: 'http://[::1]:80', isLocal: true }],
    ['http://x:1', { ...plain, origin: 'http://x:1' }],
    ['HTTP://x:1/', { ...plain, origin: 'http://x:1' }],
    ['http://x:80', { ...plain, origin: 'http://x:80' }],
    ['https://x:443', { ...plain, origin: 'https://x:443', secure: true }],
    ['HTTPS://x:443', { ...plain, origin: 'https://x:443', secure: true }],
    ['https://x', { ...plain, origin: 'https://x:443', secure: true }],
    ['https://x:8501/consul/', { ...plain, origin: 'https://x:8501', secure: true, pathPrefix: '/consul' }],
    ['x:1/a/b//', { ...plain, origin: 'http://x:1', pathPrefix: '/a/b' }],
    [
      'unix:///run/consul.sock',
      { ...plain, origin: 'http://localhost', socketPath: '/run/consul.sock', isLocal: true },
    ],
  ])('%s', (text, expected) => {
    expect(parseAddress(text, false)).toEqual({ text, ...expected })
  })

  test.each([
    ['x:1', 'https://x:1', true],
    ['http://x:1', 'https://x:1', true],
    ['http://x:80', 'https://x:80', true],
    ['x', 'https://x:443', true],
    ['https://x:1', 'https://x:1', true],
    ['unix:///run/consul.sock', 'http://localhost', false],
  ])('%s under CONSUL_HTTP_SSL=true is %s', (text, origin, secure) => {
    expect(parseAddress(text, true)).toMatchObject({ origin, secure })
  })

  test.each([
    '',
    ' ',
    '::',
    ':8500',
    'http://',
    'http:///path',
    'x:port',
    'x:99999',
    'ftp://x:1',
    'unix://run/consul.sock',
    'unix://',
    'http://user:secret@x:1',
    'http://x:1?dc=a',
    'http://x:1#a',
    'a b:1',
  ])('%j is none', (text) => {
    expect(() => parseAddress(text, false)).toThrow(Failure)
    expect(() => parseAddress(text, false)).toThrow(/is not the address of a Consul agent/)
  })

  test('with a password in it is refused without repeating it, and the hint tells where it belongs', () => {
    const read = () => parseAddress('http://user:s3cret@x:1', false)
    expect(read).toThrow(expect.objectContaining({ code: 'usage', hint: expect.stringContaining('CONSUL_HTTP_AUTH') }))
    expect(read).toThrow('"http://***@x:1" is not the address of a Consul agent')
  })
})
