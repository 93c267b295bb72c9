import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { Dice } from '../virtual/dice.ts'
import { afterTest } from './after-test.ts'
import { ConsulClient } from './consul-client.ts'
import { startLiar } from './liar.ts'
import { lie } from './lies.ts'
import { LOCKER, runLocker } from './locker.ts'
import { runs } from './processes.ts'
import { Toy } from './toy-application.ts'
import { scratch, uniqueName } from './unique.ts'

/** One who asks Consul: the words of a command, and for how many seconds it goes on if it would for ever. */
interface Asker {
  readonly words: readonly string[]
  readonly seconds?: number
}

/** Says what is asked of Consul by every mode, in a place of its own where there is something to find. */
async function askers(dir: string): Promise<[Asker, ...Asker[]]> {
  const name = uniqueName('deceived')
  const consul = new ConsulClient()
  const self = (await (await consul.request('GET', '/agent/self')).json()) as { Config: { NodeName: string } }
  const node = self.Config.NodeName
  const check = { CheckID: `check-${name}`, TTL: '600s', Status: 'warning' }
  await consul.request(
    'PUT',
    '/agent/service/register',
    JSON.stringify({ Name: name, Port: 80, Tags: ['a'], Check: check }),
  )
  afterTest(async () => void (await consul.request('PUT', `/agent/service/deregister/${name}`)))
  const put = (key: string, value: string) => consul.request('PUT', `/kv/${key}`, value)
  await put(`${name}/cluster`, JSON.stringify({ active_nodes: [node], standby_nodes: [] }))
  await put(`${name}/current_version`, 'V2')
  await put(`${name}/running_version/V1/web1`, '1')
  await put(`${name}/flag`, 'yes')
  afterTest(async () => void (await consul.request('DELETE', `/kv/${name}/?recurse`)))
  mkdirSync(join(dir, 'tests'))
  writeFileSync(join(dir, 'version'), 'V1')
  const rollout = {
    host: 'web1',
    prefix: name,
    version_file: join(dir, 'version'),
    validate: join(dir, 'tests'),
    upgrade: ['true'],
  }
  writeFileSync(join(dir, 'rollout.yaml'), JSON.stringify(rollout))
  writeFileSync(
    join(dir, 'init.yaml'),
    JSON.stringify({ name: 'web', consul_service: name, cluster_key: `${name}/cluster`, service_command: ['true'] }),
  )
  const toy = await Toy.make()
  const inside = '"$L" verify; "$L" fenced put "$CONSUL_LOCKER_KEY=data" x; exit 0'
  const ask = (...words: string[]): Asker => ({ words })
  const askFor = (seconds: number, ...words: string[]): Asker => ({ words, seconds })
  return [
    ask('--no-wait', name, 'true'),
    ask('--wait', '1s', name, 'sleep', '0.2'),
    ask('--wait', '1s', '--ttl', '10s', name, 'sh', '-c', inside),
    ask('wait', '--once', `service:${name}`, `kv:${name}/flag=yes`),
    ask('hosts', '--label', name),
    ask('lease', 'acquire', '--label', name, '--service-id', 'x', '--acquire-timeout', '0'),
    ask('lease', 'show', '--label', name),
    askFor(2, 'monitor', '--label', name, '--monitor-url', 'http://127.0.0.1:1/'),
    ask('rollout', 'step', '-f', join(dir, 'rollout.yaml')),
    ...['current', 'pending', 'running', 'failures'].map((word) =>
      ask('rollout', word, '-f', join(dir, 'rollout.yaml')),
    ),
    ask('rollout', 'hosts-at', 'V1', '--prefix', name),
    ask('rollout', 'trigger', 'V2', '--prefix', name),
    ask('leader', 'status', toy.name, '--json'),
    ask('leader', 'members', toy.name),
    askFor(3, 'leader', '-f', toy.file),
    ask('promote', name, '--get'),
    ask('demote', name),
    ask('init', '-f', join(dir, 'init.yaml'), 'status'),
    ask('check', 'service', '-f', join(dir, 'init.yaml')),
    askFor(2, 'discovery', 'serve', '--listen', '127.0.0.1:0'),
  ]
}

/** So many ask at once: most of their time they wait. */
const AT_ONCE = 12

/** Codes that are documented, and those of a command that `timeout` has ended. */
const CODES = [0, 1, 2, 3, 4, 5, 6, 8, 9, 124, 143]

/**
 * Has every mode ask an agent of whose answers one is a lie, or many are, until it has told so many. Nothing comes of
 * it but a sentence and a code: no crash, no signal to others, no file, no code run, no hanging.
 */
export async function deceive(seed: number, lies: number): Promise<void> {
  const dir = scratch()
  const trace = join(dir, 'trace')
  const stranger = spawn('sleep', ['3600'], { detached: true, stdio: 'ignore' })
  afterTest(() => void stranger.kill('SIGKILL'))
  const all = await askers(dir)
  const before = readdirSync(dir).sort()
  const mostAnswers = all.map(() => 1)
  let told = 0
  let turn = 0
  const one = async () => {
    const dice = new Dice(seed + turn)
    const which = turn++ % all.length
    const { words, seconds = 60 } = all[which] as Asker
    // A lie for an answer that is never asked for would be a run for nothing.
    const first = dice.whole(0, Math.min(6, (mostAnswers[which] ?? 1) - 1))
    const always = dice.chance(0.25)
    let answers = 0
    const said: string[] = []
    const liar = await startLiar((answer) => {
      const isNow = always ? dice.chance(0.5) : answers === first
      answers++
      if (!isNow) return
      lie(dice, answer, trace)
      told++
      said.push(`${answer.method} ${answer.path}: ${answer.status} ${answer.index} ${answer.body.slice(0, 1000)}`)
    })
    const limit = always && seconds === 60 ? 6 : seconds
    const through = ['timeout', '--kill-after', '20', String(limit)]
    const ended = await runLocker(words, { address: liar.address, through, cwd: dir, env: { L: LOCKER, HOME: dir } })
    liar.close()
    mostAnswers[which] = Math.max(mostAnswers[which] ?? 1, answers)
    const context = JSON.stringify({ seed, turn, words, said, stderr: ended.stderr }, undefined, 1)
    expect(CODES, `${ended.code}: ${context}`).toContain(ended.code)
    expect(ended.stderr + ended.stdout, context).not.toMatch(/[^\P{Cc}\n\t]|\n {4}at |please report/u)
  }
  const untilAllAreTold = async () => {
    while (told < lies) await one()
  }
  await Promise.all(Array.from({ length: AT_ONCE }, untilAllAreTold))
  // An upgrade that Consul asks for may have begun, and could not be recorded; or have found its slots taken.
  const after = readdirSync(dir).filter((file) => !['version.upgrading', 'version.waiting'].includes(file))
  expect([after.sort(), runs(stranger.pid as number)]).toEqual([before, true])
}
