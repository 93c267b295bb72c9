import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { patiently, type Running, startLocker } from '../kit/locker.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

/**
 * Leaves its pid in one folder for as long as it runs, and counts first who lives in others: folders and how many may
 * live there stand before `--`, its own folders behind.
 */
const COMMAND = `
while [ "$1" != -- ]; do
  alive=0
  for f in "$1"/*; do
    case $(sed 's/.*) //' "/proc/\${f##*/}/stat" 2>/dev/null) in ''|[ZX]*) ;; *) alive=$((alive + 1)) ;; esac
  done
  [ "$alive" -gt "$2" ] && echo "meets $alive in $1"
  shift 2
done
shift
for own; do : > "$own/$$"; done
sleep 0.2
for own; do rm "$own/$$"; done
echo ran`

interface Contender {
  readonly options: readonly string[]
  readonly name: string
  /** How many may be in which folder when its command begins. */
  readonly meets: Readonly<Record<string, number>>
  readonly own: readonly string[]
}

/** Starts them all at once, and kills every other one, each a little later than the one before. */
async function contend(contenders: readonly Contender[], stepMs: number): Promise<void> {
  const dir = scratch()
  const folder = (name: string) => join(dir, name)
  for (const name of new Set(contenders.flatMap(({ own }) => own))) mkdirSync(folder(name))
  const started = contenders.map(({ options, name, meets, own }) => {
    const counts = Object.entries(meets).flatMap(([other, most]) => [folder(other), `${most}`])
    const words = ['sh', '-c', COMMAND, 'sh', ...counts, '--', ...own.map(folder)]
    return startLocker(['--kill-after', '500ms', ...options, name, ...words])
  })
  const killed = started.filter((_, n) => n % 2 === 1)
  for (const [n, one] of killed.entries()) setTimeout(() => one.kill('SIGKILL'), stepMs * (n + 1))
  const ended = await Promise.all(started.map((one: Running) => one.ends()))
  for (const [n, { code, stdout, stderr }] of ended.entries()) {
    expect(stdout, stderr).not.toContain('meets')
    if (n % 2 === 0) expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: 'ran\n' })
  }
}

/** Whoever comes next takes away what the killed have left in a queue; `last` are the words of those who come. */
async function leaveNothing(stem: string, ...last: readonly (readonly string[])[]): Promise<void> {
  const consul = new ConsulClient()
  for (const words of last) expect(await startLocker([...words, 'true']).ends()).toMatchObject({ code: 0 })
  let remains: unknown[] = []
  await patiently(
    async () => {
      const response = await consul.request('GET', `/kv/consul-locker-${stem}?keys`)
      const keys = response.status === 404 ? [] : ((await response.json()) as string[])
      remains = [...keys.filter((key) => !key.endsWith('=runs')), ...(await consul.sessions(stem))]
      return remains.length === 0
    },
    () => `left at Consul: ${JSON.stringify(remains)}`,
  )
}

const COUNT = 8

describe.each([20, 70, 150])('runners of which every other one is killed, %i ms after the one before,', (stepMs) => {
  test.each([1, 2])('never are more than %i by --slots', async (slots) => {
    const name = uniqueName('kills')
    const one = { options: ['--slots', `${slots}`], name, meets: { in: slots - 1 }, own: ['in'] }
    await contend(Array(COUNT).fill(one), stepMs)
    await leaveNothing(name, [...one.options, name])
  })

  test('never are a writer beside anybody by --shared', async () => {
    const name = uniqueName('kills')
    const writer = { options: [], name, meets: { writers: 0, readers: 0 }, own: ['writers'] }
    const reader = { options: ['--shared'], name, meets: { writers: 0 }, own: ['readers'] }
    await contend([reader, reader, writer, reader, reader, writer, writer, reader], stepMs)
    await leaveNothing(name, [name])
  })

  test('never have a lock of another by --also', async () => {
    const stem = uniqueName('kills')
    const wants = (...names: string[]): Contender => ({
      options: names.slice(1).flatMap((name) => ['--also', `${stem}-${name}`]),
      name: `${stem}-${names[0]}`,
      meets: Object.fromEntries(names.map((name) => [name, 0])),
      own: names,
    })
    const all = [wants('a', 'b'), wants('b', 'a'), wants('a'), wants('b', 'c'), wants('c', 'a', 'b'), wants('c')]
    await contend([...all, wants('b'), wants('a', 'c')], stepMs)
    await leaveNothing(stem, ...['a', 'b', 'c'].map((name) => [`${stem}-${name}`]))
  })
})
