import { describe, test, vi } from 'vitest'
import { mayHaveMachines } from '../kit/fresh-machine.ts'
import { Reader } from '../kit/reader.ts'
import { STORIES } from '../pages/stories.ts'

vi.setConfig({ testTimeout: 120_000 })

describe.runIf(mayHaveMachines).concurrent('the commands of a page run as they stand there:', () => {
  test.for(Object.entries(STORIES).filter(([, { slow }]) => !slow))('%s', ([page, story]) =>
    Reader.follows(page, story),
  )
})
