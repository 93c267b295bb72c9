import type { HealthReport } from '../application/application.ts'

/** How many checks in a row it takes to change the verdict on an application. */
export interface HealthRule {
  readonly fall: number
  readonly rise: number
}

/** What is believed of an application's health, and what speaks against it. */
export interface HealthVerdict {
  readonly healthy: boolean
  /** Checks in a row, up to the last one, that say otherwise. */
  readonly contrary: number
}

/**
 * The verdict after another check. One that fails is no proof; that the application doesn't run is, and counts at once.
 * An application that was never healthy isn't taken for healthy by a check that fails.
 */
export function judgeHealth(
  before: HealthVerdict | undefined,
  { healthy, role }: Pick<HealthReport, 'healthy' | 'role'>,
  { fall, rise }: HealthRule,
): HealthVerdict {
  const { healthy: was, contrary } = before ?? { healthy: false, contrary: 0 }
  if (healthy === was) return { healthy, contrary: 0 }
  const needed = healthy ? rise : role === 'stopped' ? 1 : fall
  return contrary + 1 >= needed ? { healthy, contrary: 0 } : { healthy: was, contrary: contrary + 1 }
}

/**
 * `2 of 3`: so many of the checks that it takes have failed, or passed; `undefined` when none speaks against the
 * verdict.
 */
export function doubtIn({ healthy, contrary }: HealthVerdict, { fall, rise }: HealthRule): string | undefined {
  return contrary === 0 ? undefined : `${contrary} of ${healthy ? fall : rise}`
}
