import { ConsulClient } from './consul-client.ts'
import { runLocker } from './locker.ts'

export const consul = () => new ConsulClient()

export const history = async (name: string, address?: string) => {
  const { stdout } = await runLocker(['history', name, '--json'], address === undefined ? {} : { address })
  return JSON.parse(stdout) as Record<string, unknown>[]
}

export const lockOf = (name: string) => `consul-locker-${name}`
