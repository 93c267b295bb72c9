import { createServer } from 'node:net'
import { describe, expect, inject, test } from 'vitest'
import { afterTest } from '../kit/after-test.ts'
import { BEGINNING, KNOWN_LOCK, LINES, terminalWithFile, types } from '../kit/completing-shells.ts'
import { runLocker } from '../kit/locker.ts'

test('bash completes words, options, values, locks, and whatever it completes for the user’s command', async () => {
  const terminal = await terminalWithFile()
  await terminal.run('source <(consul-locker completion bash)')
  await terminal.run('clear')
  for (const line of LINES) await types(terminal, line)
})

describe('without a Consul that answers, names are none, and nothing is said', () => {
  const asked = ['completion', 'candidates', '--', 'status', '']
  const NONE = { code: 0, stdout: 'nothing\n', stderr: '' }

  test('where nobody listens', async () => {
    expect(await runLocker(asked, { address: '127.0.0.1:1' })).toMatchObject(NONE)
  })

  test('where somebody listens who never answers', async () => {
    const server = createServer(() => {})
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    afterTest(() => void server.close())
    const { port } = server.address() as { port: number }
    expect(await runLocker(asked, { address: `127.0.0.1:${port}` })).toMatchObject(NONE)
  })

  test('with settings that are wrong', async () => {
    expect(await runLocker(asked, { env: { CONSUL_HTTP_TOKEN_FILE: '/nowhere' } })).toMatchObject(NONE)
    expect(await runLocker([...asked.slice(0, -1), '--http-addr', 'nonsense://', ''])).toMatchObject(NONE)
  })
})

test.each([
  ['--log-format=', 'nothing\n--log-format=text\n--log-format=json\n'],
  ['--ttl=', 'nothing\n'],
])('behind %s, as the first word, no command of ours is meant', async (word, lines) => {
  expect(await runLocker(['completion', 'candidates', '--', word])).toMatchObject({ code: 0, stdout: lines })
})

test('names of locks come from the Consul that the options on the line name', async () => {
  const words = ['completion', 'candidates', '--', 'status', '--http-addr', inject('consulAddress'), BEGINNING]
  const { stdout } = await runLocker(words, { address: '127.0.0.1:1' })
  expect(stdout).toBe(`nothing\n${KNOWN_LOCK}\ta lock\n`)
})

test('there are none for other shells', async () => {
  expect(await runLocker(['completion', 'tcsh'])).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('bash, zsh, fish'),
  })
})
