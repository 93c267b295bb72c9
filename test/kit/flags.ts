import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { patiently } from './locker.ts'
import { scratch } from './unique.ts'

export const flagKey = (service: string, direction = 'promote', node = 'dev') =>
  `service/${service}/${node}/${direction}`

/** A command that writes down what it is called for. */
export function recorder(): { command: string[]; lines: () => string[]; written: (count: number) => Promise<unknown> } {
  const file = join(scratch(), 'calls')
  writeFileSync(file, '')
  const lines = () => readFileSync(file, 'utf8').split('\n').slice(0, -1)
  const script = `echo "$CONSUL_LOCKER_FLAG $CONSUL_LOCKER_FLAG_BEFORE $CONSUL_LOCKER_FLAG_VALUE" >> '${file}'`
  const written = (count: number) =>
    patiently(
      () => lines().length >= count,
      () => `not called ${count} times: ${lines()}`,
    )
  return { command: ['sh', '-c', script], lines, written }
}
