import type { Context } from '../../base/context.ts'
import type { Check } from './conformance-check.ts'
import { DeathChecks } from './death-checks.ts'
import { FOLLOWING_CHECKS } from './following-checks.ts'
import { INTERRUPTION_CHECKS } from './interruption-checks.ts'
import { ROLE_CHECKS } from './role-checks.ts'
import { describeProcess, type StrayProcesses } from './stray-processes.ts'
import type { Subject } from './subject.ts'
import { broken, KEPT, type Verdict } from './verdict.ts'

/** A promise, and whether it was kept. */
export interface Finding extends Verdict {
  readonly title: string
}

/** All checks, in the order of an agent's life: each group begins with an application that is demoted. */
export function checkGroups(): readonly (readonly Check[])[] {
  return [ROLE_CHECKS, FOLLOWING_CHECKS, INTERRUPTION_CHECKS, new DeathChecks().checks]
}

/**
 * Runs an application through checks; what is found comes as soon as it is known. It ends demoted or dead, whatever
 * comes. Rejects only with the signal's reason.
 */
export async function* testApplication(
  ctx: Context,
  subject: Subject,
  strays: StrayProcesses,
  checks: readonly Check[] = checkGroups().flat(),
): AsyncGenerator<Finding, void> {
  const left: string[] = []
  try {
    for (const { title, run } of checks) {
      const verdict = await run(ctx, subject)
      const found = await strays.find(ctx, subject)
      left.push(...found.map((stray) => `after "${title}" there is ${describeProcess(stray)}`))
      strays.end(found)
      yield { title, ...verdict }
    }
    const [first] = left
    yield { title: 'no call leaves a process behind', ...(first === undefined ? KEPT : broken(first)) }
  } finally {
    // Not under the signal that may have ended the test.
    const closing = { ...ctx, signal: new AbortController().signal }
    const { ok } = await subject.call(closing, 'demote')
    if (!ok) await subject.call(closing, 'fence')
  }
}
