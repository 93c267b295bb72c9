import { describe, expect, test } from 'vitest'
import { judgeLibraries } from '../../../../src/doctor/machine/libraries-inspection.ts'

describe('libraries', () => {
  const MAPS = `7f1 r-xp 0 08:01 5 /usr/lib/x86_64-linux-gnu/libc.so.6
7f2 r--p 0 08:01 5 /usr/lib/x86_64-linux-gnu/libc.so.6
7f3 r-xp 0 08:01 6 /usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30
`

  test('are named', () => expect(judgeLibraries(MAPS, {}).said).toBe('libraries: libc.so.6, libstdc++.so.6.0.30'))

  test.each([
    [MAPS, { LD_PRELOAD: '/usr/lib/libfaketime.so.1' }, 'warning'],
    [MAPS, { LD_PRELOAD: '' }, 'fine'],
    [undefined, {}, 'warning'],
  ])('%#: %s', (maps, environment, mark) => expect(judgeLibraries(maps, environment).mark).toBe(mark))
})
