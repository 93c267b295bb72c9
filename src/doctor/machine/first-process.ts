import { readdirSync } from 'node:fs'
import { sleep } from '../../base/abort.ts'
import { oneLine } from '../../base/printable.ts'
import { cantTell, type Diagnosis, fine, warning } from '../diagnosis.ts'
import type { Inspection } from '../inspection.ts'
import { kernelText } from './kernel-limits.ts'

/** An init buries an orphan sooner. */
const LOOK_MS = 1000

/** Process 1 buries orphans: a guardian, and what a command leaves, become its children. */
export const firstProcessInspection: Inspection = {
  code: 'CL507',
  topic: 'This machine',
  title: 'process 1',
  needs: [],
  asksConsul: false,
  async look(ctx) {
    const before = new Set(unburied())
    if (before.size > 0) await sleep(ctx, LOOK_MS)
    const left = before.size > 0 ? unburied().filter((pid) => before.has(pid)).length : 0
    return judgeFirstProcess(process.pid, kernelText('/proc/1/comm')?.trim(), left)
  },
}

/** `name` is process 1's, which leaves so many orphans `unburied`. */
export function judgeFirstProcess(ownPid: number, name: string | undefined, unburied: number): Diagnosis {
  const cure = 'start the container with an init: docker run --init, or tini'
  if (ownPid === 1) return warning('consul-locker is process 1 here, and buries only its own children', cure)
  if (name === undefined) return cantTell('process 1 is not to be seen', 'mount it: mount -t proc proc /proc')
  const shown = oneLine(name, 15)
  if (unburied === 0) return fine(`process 1 is ${shown}, and leaves no zombies`)
  const zombies = unburied === 1 ? 'a zombie' : `${unburied} zombies`
  return warning(`process 1 is ${shown}, and leaves ${zombies}`, cure)
}

/** The zombies that are children of process 1. */
function unburied(): string[] {
  try {
    return readdirSync('/proc').filter((pid) => {
      if (!/^\d+$/.test(pid)) return false
      const stat = kernelText(`/proc/${pid}/stat`) ?? ''
      return / Z 1 /.test(stat.slice(stat.lastIndexOf(')') + 1, stat.lastIndexOf(')') + 6))
    })
  } catch {
    return []
  }
}
