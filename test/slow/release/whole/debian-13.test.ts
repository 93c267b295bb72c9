import { join } from 'node:path'
import { test } from 'vitest'
import { makeDeb } from '../../../../scripts/release/deb.ts'
import { makesRoots } from '../../../kit/small-root.ts'
import { livesAndGoes } from '../deb-story.ts'
import { contents } from '../made-package.ts'

const wanted = await contents()
const deb = join(wanted.into, await makeDeb(wanted))

test.runIf(makesRoots)('the .deb works in a Debian 13 without anything else, and purged it leaves nothing', () =>
  livesAndGoes('trixie', deb),
)
