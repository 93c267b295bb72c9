import { checkGuardianPrerequisites } from '../../child/guardian-prerequisites.ts'
import { shellWorks } from '../../child/shell-trial.ts'
import { userName } from '../../host/user-name.ts'
import { breaks, fine } from '../diagnosis.ts'
import type { Inspection } from '../inspection.ts'

/** What would end the command and give the lock back should we be killed can do its work here, as this user. */
export const guardianInspection: Inspection = {
  code: 'CL501',
  topic: 'This machine',
  title: 'guardian',
  needs: [],
  asksConsul: false,
  async look(ctx, { environment }) {
    checkGuardianPrerequisites(environment.PATH, 'do without a guardian by --no-guardian')
    if (!(await shellWorks(ctx))) {
      return breaks('the guardian needs /bin/sh, and that does not do what it is told', 'install dash or busybox')
    }
    return fine(`the guardian has all that it needs, as ${userName()}`)
  },
}
