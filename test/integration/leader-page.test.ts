import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freePorts } from '../../scripts/provide/ports.ts'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { RedisServer } from '../kit/redis-server.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/leader.md'), 'utf8')

test("the page's Redis is all that a Redis needs", async () => {
  const [, file = ''] = /<<'END'\n(name: redis[\s\S]*?\napplication: redis\n)END\n/.exec(PAGE) ?? []
  const redis = await RedisServer.start()
  const [name, path] = [uniqueName('redis'), join(scratch(), 'redis.yaml')]
  const { http } = await freePorts()
  expect(file).toMatch(/^port: 6379$/m)
  const text = file.replace(/^name: redis/, `name: ${name}`).replace('port: 6379', `port: ${redis.port}`)
  writeFileSync(path, `${text}api: 127.0.0.1:${http}\n`)
  const agent = startLocker(['leader', '-f', path])
  await patiently(
    async () => (await runLocker(['leader', 'status', name])).stdout.startsWith(`${name}: dev is master for`),
    () => `it is not master: ${agent.stderr}`,
  )
  agent.kill('SIGTERM')
  expect(await agent.ends()).toMatchObject({ code: 0 })
})
