import { describe, expect, test } from 'vitest'
import { countTo, judgeConnections } from '../../../../src/doctor/agent/connections-inspection.ts'

describe('connections', () => {
  test.each([
    [undefined, 3, 'warning'],
    [0, 900, 'fine'],
    [200, 3, 'fine'],
    [200, undefined, 'fine'],
    [200, 161, 'warning'],
    [200, 200, 'failure'],
    [100, 3, 'warning'],
    [8, 2, 'warning'],
    [3, 2, 'failure'],
  ])('of which %j may be had and %j are: %s', (most, used, mark) => {
    expect(judgeConnections(most, used).mark).toBe(mark)
  })

  const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2134 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 0100007F:8F1C 0100007F:2134 01 00000000:00000000 00:00000000 00000000     0        0 2 1
   2: 0100007F:8F1E 0100007F:2134 06 00000000:00000000 00:00000000 00000000     0        0 3 1
   3: 0100007F:2134 0100007F:8F1C 01 00000000:00000000 00:00000000 00000000     0        0 4 1
   4: 0500000A:8F1C 0A00000A:2134 01 00000000:00000000 00:00000000 00000000     0        0 5 1
   5: 0000000000000000FFFF00000100007F:8F20 0000000000000000FFFF00000100007F:2134 01 0:0 0:0 0 0 0 6 1
`

  test.each([
    ['127.0.0.1', 8500, 2],
    ['10.0.0.10', 8500, 1],
    ['localhost', 8500, 2],
    ['127.0.0.1', 8501, 0],
  ])('to %s:%d are %d', (host, port, count) => expect(countTo(TABLE, { host, port })).toBe(count))
})
