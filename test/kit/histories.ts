import { runLocker } from './locker.ts'

export const history = async (name: string, address?: string) => {
  const { stdout } = await runLocker(['history', name, '--json'], address === undefined ? {} : { address })
  return JSON.parse(stdout) as Record<string, unknown>[]
}
