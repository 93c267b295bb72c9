import type { Context } from '../base/context.ts'
import { probeUrl } from './probes.ts'

const ASKING_MS = 1000

/** Whether an agent of `consul-locker leader` answers at its HTTP interface, `host:port`. Never rejects. */
export async function answersAsAgent(ctx: Context, api: string): Promise<boolean> {
  return (await probeUrl(ctx, `http://${api}/agent`, ASKING_MS)).healthy
}
