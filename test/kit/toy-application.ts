import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'
import { freePorts } from '../../scripts/provide/ports.ts'
import { afterTest } from './after-test.ts'
import { patiently, type Running, startLocker } from './locker.ts'
import { kill, processesWith } from './processes.ts'
import { scratch, uniqueName } from './unique.ts'

/** Writes down what it is called for; files beside it say how it behaves. No two of its calls may overlap. */
const SCRIPT = `#!/bin/sh
cd "$(dirname "$0")" || exit 9
call=$1
[ ! -f "shout-$call" ] || yes shouting | head -c 10000000
[ ! -f "hang-$call" ] || exec sleep 600
[ ! -f "fail-$call" ] || { echo "no $call today"; exit 3; }
case $call in
  health) [ ! -f sick ] || { echo "sick: disk on fire"; exit 1; }; echo "toy operating with $(cat cores 2>/dev/null || echo 3) cores"; exit ;;
  ready) cat position 2>/dev/null; [ ! -f behind ]; exit ;;
esac
# One that was ended halfway can't say that it is no longer busy.
alive() { kill -s 0 "$1" && ! grep -q '^State:.Z' "/proc/$1/status"; }
! alive "$(cat busy 2>/dev/null)" 2>/dev/null || echo OVERLAP >> calls
echo $$ > busy
echo "$*" >> calls
[ ! -f "slow-$call" ] || sleep "$(cat "slow-$call")"
echo "$call $CONSUL_LOCKER_ROLE $CONSUL_LOCKER_NAME $CONSUL_LOCKER_NODE $CONSUL_LOCKER_FENCE" > "seen-$call"
rm busy
`

/** How a check is judged, of which the way isn't told. */
function isRule(health: unknown): health is object {
  return typeof health === 'object' && health !== null && !('command' in health || 'tcp' in health || 'http' in health)
}

/** An application for an agent of `consul-locker leader` to fail over, in a folder that its test removes. */
export class Toy {
  readonly name: string
  readonly dir = scratch()
  readonly file = join(this.dir, 'toy.yaml')
  /** `host:port` of its agent's HTTP interface. */
  readonly api: string

  private constructor(name: string, api: string) {
    this.name = name
    this.api = api
    writeFileSync(join(this.dir, 'toy.sh'), SCRIPT, { mode: 0o755 })
    writeFileSync(join(this.dir, 'calls'), '')
    this.configure()
    afterTest(() => {
      for (const pid of processesWith(this.dir)) kill(pid)
    })
  }

  static async make(name = uniqueName('toy')): Promise<Toy> {
    return new Toy(name, `127.0.0.1:${(await freePorts()).http}`)
  }

  /** Writes the configuration; further keys override. */
  configure(keys: Readonly<Record<string, unknown>> = {}): void {
    const run = (...words: string[]) => [join(this.dir, 'toy.sh'), ...words]
    const all = {
      name: this.name,
      port: 4711,
      api: this.api,
      health: { command: run('health') },
      ensure_master: run('master'),
      ensure_slave: run('slave', '{master_host}', '{master_address}', '{master_port}'),
      demote: run('demote'),
      fence: run('fence'),
      interval: '500ms',
      check_interval: '1s',
      timeouts: { health: '10s', ensure: '20s', demote: '5s', fence: '5s' },
      min_leader_time: '0s',
      ...keys,
      ...(isRule(keys.health) ? { health: { command: run('health'), ...keys.health } } : {}),
    }
    // JSON is YAML.
    const lines = Object.entries(all).filter(([, value]) => value !== undefined)
    writeFileSync(this.file, lines.map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`).join(''))
  }

  start(address = inject('consulAddress'), env: NodeJS.ProcessEnv = {}): Running {
    return startLocker(['leader', '-f', this.file], { address, env })
  }

  /** Has it behave so from now on: `sick`, `hang-demote`, `fail-master`, `slow-slave`… */
  set(behaviour: string, text = ''): void {
    writeFileSync(join(this.dir, behaviour), text)
  }

  unset(behaviour: string): void {
    rmSync(join(this.dir, behaviour), { force: true })
  }

  /** What it was called for, without repetitions, and without the demotion with which its first agent begins. */
  get calls(): string[] {
    const lines = readFileSync(join(this.dir, 'calls'), 'utf8').split('\n').slice(0, -1)
    if (lines[0] === 'demote') lines.shift()
    return lines.filter((line, at) => line !== lines[at - 1])
  }

  /** The environment of the last call of a kind. */
  seen(call: string): string {
    const file = join(this.dir, `seen-${call}`)
    return existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
  }

  /** Waits until its last call is this one. */
  async becomes(call: string): Promise<void> {
    await patiently(
      () => this.calls.at(-1) === call,
      () => `the last call is not ${call}: ${this.calls}`,
    )
  }

  async get(path: string): Promise<{ status: number; type: string | null; text: string }> {
    const response = await fetch(`http://${this.api}${path}`, { signal: AbortSignal.timeout(5000) })
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
  }

  /** Waits until the agent says that its role is this one. */
  async plays(role: string): Promise<void> {
    let last = ''
    const look = async () => {
      last = await this.get('/role').then(({ text }) => text, String)
      return last === `"${role}"\n`
    }
    await patiently(look, () => `its role is ${last}, not ${role}; calls: ${this.calls}`)
  }
}
