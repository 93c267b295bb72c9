import { ConsulClient } from './consul-client.ts'
import { patiently, type Running, startLocker } from './locker.ts'

/** A contender whose command tells whether a process is gone. */
export function startWitness(name: string, pid: string): Running {
  const script =
    'case $(sed "s/.*) //" "/proc/$0/stat" 2>/dev/null) in ""|[ZX]*) echo gone ;; *) echo "still there" ;; esac'
  return startLocker([name, 'sh', '-c', script, pid])
}

export async function leavesNothing(name: string): Promise<void> {
  const consul = new ConsulClient()
  let remains: unknown[] = []
  await patiently(
    async () => {
      remains = await consul.remains(name)
      return remains.length === 0
    },
    () => `left at Consul: ${JSON.stringify(remains)}`,
  )
}
