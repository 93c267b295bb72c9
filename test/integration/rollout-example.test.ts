import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startConsul } from '../../scripts/provide/agent.ts'
import { program } from '../../scripts/provide/debian.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { runLocker } from '../kit/locker.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

const example = join(import.meta.dirname, '../../examples/rollout')
const read = (name: string) => readFileSync(join(example, name), 'utf8')

/** apt-get, dpkg-query and systemctl that only write down what they are told, in a directory of their own. */
function machine(): { dir: string; path: string; calls: () => string[] } {
  const dir = scratch()
  mkdirSync(join(dir, 'bin'))
  writeFileSync(join(dir, 'calls'), '')
  const stand = (name: string, script: string) =>
    writeFileSync(join(dir, 'bin', name), `#!/bin/sh\necho "${name} $*" >>'${dir}/calls'\n${script}\n`, { mode: 0o755 })
  stand('apt-get', `case $1 in install) for last; do :; done; echo "\${last#*=}" >'${dir}/installed' ;; esac`)
  stand('dpkg-query', `exec cat '${dir}/installed'`)
  stand('systemctl', `case $1 in restart) >'${dir}/runs' ;; is-active) [ -e '${dir}/runs' ] ;; esac`)
  return {
    dir,
    path: `${join(dir, 'bin')}:${process.env.PATH}`,
    calls: () => readFileSync(join(dir, 'calls'), 'utf8').trim().split('\n'),
  }
}

test('the rollout of the examples installs, restarts and validates, as cron and systemd would have it', async () => {
  const { dir, path, calls } = machine()
  const prefix = uniqueName('fleet')
  cpSync(join(example, 'tests'), join(dir, 'tests'), { recursive: true })
  const file = join(dir, 'rollout.yaml')
  const own = `host: db1\nprefix: ${prefix}\nversion_file: ${dir}/current_version\n`
  writeFileSync(file, own + read('rollout.yaml').replace('/etc/rollout/tests', join(dir, 'tests')))
  // What others register with the agent that all tests share would be trouble of this host's.
  const agent = await startConsul({ mode: 'dev' })
  onTestFinished(() => agent.stop())
  const { address } = agent
  await new ConsulClient(address).request('PUT', `/kv/${prefix}/current_version`, '2.1.0')
  const words = [
    /^\* \* \* \* \* root consul-locker (.*) >>\/var\/log\/rollout.log$/m.exec(read('rollout.crontab'))?.[1],
    /^ExecStart=\/usr\/local\/bin\/consul-locker (.*)$/m.exec(read('rollout.service'))?.[1],
  ].map((line) => line?.replace('/etc/rollout/rollout.yaml', file).split(' ') ?? [])
  const [byCron, bySystemd] = words as [string[], string[]]
  expect(await runLocker(byCron, { address, env: { PATH: path } })).toMatchObject({ code: 0, stderr: '' })
  expect(calls()).toEqual([
    'apt-get update -q',
    'apt-get install -q -y --allow-downgrades myapp=2.1.0',
    'systemctl restart myapp',
    expect.stringMatching(/^dpkg-query -W -f .* myapp$/),
    'systemctl is-active --quiet myapp',
  ])
  expect(readFileSync(join(dir, 'current_version'), 'utf8')).toBe('2.1.0\n')
  expect(await runLocker(bySystemd, { address, env: { PATH: path } })).toMatchObject({ code: 0, stderr: '' })
  expect(calls()).toHaveLength(7)
})

test('its tests are plain POSIX shell', async () => {
  const { path, env } = await program('shellcheck', 'shellcheck')
  const scripts = ['10-installed', '20-running'].map((name) => join(example, 'tests', name))
  execFileSync(path, ['--shell=sh', ...scripts], { env: { ...process.env, ...env } })
})
