import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { delimiter, dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { program } from '../../scripts/provide/debian.ts'
import { freePorts } from '../../scripts/provide/ports.ts'

const ROLE = join(import.meta.dirname, '../../examples/solr/solr-role')

/** How the script ends, and what it says, with a Solr at this port. */
async function role(port: number, ...words: string[]): Promise<[number | null, string]> {
  const [jq, curl] = await Promise.all([program('jq', 'jq'), program('curl', 'curl')])
  const PATH = [dirname(jq.path), dirname(curl.path), process.env.PATH].join(delimiter)
  const LD_LIBRARY_PATH = [jq.env.LD_LIBRARY_PATH, curl.env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter)
  const env = { PATH, ...(LD_LIBRARY_PATH ? { LD_LIBRARY_PATH } : {}), SOLR_URL: `http://127.0.0.1:${port}/solr` }
  const child = spawn(ROLE, words, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk
  })
  await once(child, 'close')
  return [child.exitCode, said.trim()]
}

/** A Solr with these cores, and what it was asked for; `undefined`: it is out of order. */
async function solr(cores: readonly string[] | undefined) {
  const asked: string[] = []
  const server = createServer(({ url = '' }, response) => {
    asked.push(url)
    if (!cores) response.statusCode = 500
    response.end(JSON.stringify({ status: Object.fromEntries((cores ?? []).map((core) => [core, {}])) }))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  return { port: (server.address() as { port: number }).port, asked }
}

test('a Solr that is down is not healthy, and is made neither master nor slave; demoted it is', async () => {
  const { http: port } = await freePorts()
  expect(await role(port, 'health')).toEqual([1, expect.stringContaining("doesn't answer")])
  expect(await role(port, 'master')).toEqual([1, expect.stringContaining("doesn't answer")])
  expect(await role(port, 'slave', '127.0.0.1', '1')).toEqual([1, expect.stringContaining("doesn't answer")])
  expect(await role(port, 'demote')).toEqual([0, ''])
})

test.each([
  ['is out of order', undefined],
  ['has no cores', []],
])('of a Solr that %s nothing is known', async (_, cores) => {
  const { port } = await solr(cores)
  for (const words of [['health'], ['master'], ['slave', '127.0.0.1', '1'], ['demote']])
    expect((await role(port, ...words))[0]).toBe(1)
})

test('a Solr gets its role, core by core', async () => {
  const { port, asked } = await solr(['a', 'b'])
  expect(await role(port, 'health')).toEqual([0, 'Solr operating with 2 cores'])
  expect(await role(port, 'demote')).toEqual([0, ''])
  for (const core of ['a', 'b']) expect(asked).toContain(`/solr/${core}/replication?command=disablereplication`)
})
