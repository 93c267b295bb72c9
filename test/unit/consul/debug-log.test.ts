import { describe, expect, test } from 'vitest'
import { masked } from '../../../src/consul/debug-log.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')

describe('a secret in a logged request or answer', () => {
  test.each([
    ['in plain', 'PUT /v1/kv/a : s3cr3t-token', 'PUT /v1/kv/a : ***'],
    ['in a query', 'GET /v1/kv/a?token=s3cr3t-token&dc=x', 'GET /v1/kv/a?token=***&dc=x'],
    ['in a query, encoded', 'GET /v1/kv/a?auth=user%3Apa%22ss', 'GET /v1/kv/a?auth=***'],
    ['in JSON', '{"Token":"s3cr3t-token"}', '{"Token":"***"}'],
    ['in JSON, escaped', String.raw`{"Auth":"user:pa\"ss"}`, '{"Auth":"***"}'],
    ['in the value of a key', `[{"Value":"${base64('mysql -p s3cr3t-token now')}"}]`, '[{"Value":"***"}]'],
    ['in a header', `Authorization: Basic ${base64('user:pa"ss')}`, 'Authorization: Basic ***'],
  ])('is masked %s', (_, line, expected) => {
    expect(masked(line, ['s3cr3t-token', 'user:pa"ss'])).toBe(expected)
  })

  test('leaves what is none as it was', () => {
    const line = `GET /v1/kv/consul-locker-a : [{"Value":"${base64('{"host":"web1"}')}"}]`
    expect(masked(line, ['s3cr3t-token'])).toBe(line)
    expect(masked(line, [])).toBe(line)
  })
})
