import { ConsulClient } from './consul-client.ts'
import { runLocker } from './locker.ts'
import { uniqueName } from './unique.ts'

const AT_ONCE = 8

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at)
}

/**
 * Runs a command that exits with each of the codes: which code became which, and what was said; what sessions are left.
 */
export async function exitsWith(codes: readonly number[]) {
  const name = uniqueName('codes')
  const waiting = [...codes]
  const got: [number, number | null, string][] = []
  const worker = async () => {
    for (let code = waiting.shift(); code !== undefined; code = waiting.shift()) {
      const ended = await runLocker([`${name}-${code}`, 'sh', '-c', `exit ${code}`])
      got.push([code, ended.code, ended.stderr])
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return { got: got.sort(([a], [b]) => a - b), sessions: await new ConsulClient().sessions(name) }
}
