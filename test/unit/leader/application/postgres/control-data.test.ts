import { expect, test } from 'vitest'
import { parseControlData } from '../../../../../src/leader/application/postgres/control-data.ts'

const SAID = `pg_control version number:            1300
Catalog version number:               202209061
Database system identifier:           7578291034873312345
Database cluster state:               shut down
pg_control last modified:             Sun Nov 29 03:20:11 2026
Latest checkpoint location:           16/B374D848
Latest checkpoint's REDO location:    16/B374D810
Latest checkpoint's REDO WAL file:    0000000300000016000000B3
Latest checkpoint's TimeLineID:       3
Latest checkpoint's PrevTimeLineID:   3
`

test('the control file says where the log of a server ends that was shut down', () => {
  expect(parseControlData(SAID)).toEqual({
    system: '7578291034873312345',
    shutDown: true,
    checkpoint: { timeline: 3, lsn: 0x16b374d848n },
  })
})

test.each(['in production', 'shut down in recovery', 'shutting down', 'in archive recovery'])(
  'one that is %s says nothing about its end',
  (state) => {
    expect(parseControlData(SAID.replace('shut down', state))?.shutDown).toBe(false)
  },
)

test.each(['', 'pg_controldata: error: could not open file', SAID.replace('16/B374D848', 'nowhere')])(
  '%j is not read',
  (text) => {
    expect(parseControlData(text)).toBeUndefined()
  },
)
