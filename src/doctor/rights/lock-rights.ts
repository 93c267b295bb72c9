import { breaks, type Diagnosis, fine, warning } from '../diagnosis.ts'
import type { ExaminedLock } from '../examined-system.ts'
import type { Code, Inspection } from '../inspection.ts'
import { deniedKeys, keysOfRun, plainKeyOf } from '../lock/lock-answers.ts'
import type { WantedKey } from './key-trial.ts'

type Kind = keyof ReturnType<typeof keysOfRun>

interface Right {
  readonly code: Code
  readonly kind: Kind
  readonly title: string
  readonly judge: (denied: readonly WantedKey[], lock: ExaminedLock) => Diagnosis
}

function rightInspection({ code, kind, title, judge }: Right): Inspection {
  return {
    code,
    topic: 'Rights',
    title,
    needs: ['CL105'],
    asksConsul: true,
    async look(ctx, { consul, lock }) {
      const denied = await deniedKeys(ctx, consul, lock)
      const wanted = keysOfRun(lock)[kind].map(({ key }) => key)
      return judge(
        denied.filter(({ key }) => wanted.includes(key)),
        lock,
      )
    },
  }
}

/** What a token needs for a kind of keys, in the words of a policy. */
function ruleOf(kind: Kind, lock: ExaminedLock): string {
  const plain = plainKeyOf(lock)
  if (kind === 'pause') return 'key "consul-locker=pause" { policy = "read" }'
  if (kind !== 'lock') return `key_prefix "${plain}=" { policy = "write" }`
  const below = lock.slots === undefined ? [] : [`key_prefix "${lock.key.replace(/[^/]*$/, '')}" { policy = "write" }`]
  const own = lock.slots === undefined || lock.marker !== undefined ? [`key "${plain}" { policy = "write" }`] : []
  return [...own, ...below].join(' ')
}

const needs = (kind: Kind, lock: ExaminedLock) => `the token needs the ACL rule ${ruleOf(kind, lock)}`

export function judgeLockRight(denied: readonly WantedKey[], lock: ExaminedLock): Diagnosis {
  const [first] = denied
  if (!first) return fine('the token may take the lock')
  return breaks(`the token may not write ${first.key}: it can't take the lock`, needs('lock', lock))
}

export function judgeQueueRight(denied: readonly WantedKey[], lock: ExaminedLock): Diagnosis {
  if (denied.length === 0) return fine('the token may stand in line')
  return warning(
    'the token may not write the queue: runs wait, but not in the order in which they came',
    needs('queue', lock),
  )
}

export function judgeHistoryRight(denied: readonly WantedKey[], lock: ExaminedLock): Diagnosis {
  if (denied.length === 0) return fine('the token may write the history')
  const said = 'the token may not write the history'
  const isPeriodic = lock.period !== undefined
  if (isPeriodic) return breaks(`${said}: a run with a period is refused`, needs('history', lock))
  return warning(`${said}: runs go well, and leave no trace`, needs('history', lock))
}

export function judgePauseRight(denied: readonly WantedKey[], lock: ExaminedLock): Diagnosis {
  if (denied.length === 0) return fine('the token may see whether locks are paused')
  return warning('the token may not see all pauses: one that it does not see holds no run', needs('pause', lock))
}

/** What a token may do with a lock and beside it. */
export const LOCK_RIGHTS: readonly Inspection[] = [
  rightInspection({ code: 'CL402', kind: 'lock', title: 'lock', judge: judgeLockRight }),
  rightInspection({ code: 'CL403', kind: 'queue', title: 'queue', judge: judgeQueueRight }),
  rightInspection({ code: 'CL404', kind: 'history', title: 'history', judge: judgeHistoryRight }),
  rightInspection({ code: 'CL405', kind: 'pause', title: 'pauses', judge: judgePauseRight }),
]
