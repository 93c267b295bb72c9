import { describe, expect, test } from 'vitest'
import { unitProgram, unitWord } from '../../../src/schedule/unit-word.ts'
import { type UnitRequest, unitFiles } from '../../../src/schedule/units.ts'

const request: UnitRequest = { name: 'report', words: ['/usr/bin/x', 'a b'], watchdogMs: 30_000 }

test.each([
  ['/usr/bin/a-b_c.d', '/usr/bin/a-b_c.d'],
  ['', '""'],
  ['a b', '"a b"'],
  [';', '";"'],
  ['=x', '"=x"'],
  ['50%', '"50%%"'],
  ['$HOME', '"$$HOME"'],
  [`'`, `"'"`],
  ['"', String.raw`"\""`],
  ['\\', String.raw`"\\"`],
  ['a\nb\tc\r', String.raw`"a\nb\tc\r"`],
  ['\u001b\u0085', String.raw`"\x1b\xc2\x85"`],
])('the word %j is written %s', (word, written) => expect(unitWord(word)).toBe(written))

test('in a program’s path a dollar sign stands for itself', () => expect(unitProgram('/a$b')).toBe('"/a$b"'))

describe('units', () => {
  test('of a job have a timer', () => {
    const [job, timer, ...more] = unitFiles({ ...request, onCalendar: ' *-*-* 03:30:00 ', user: 'app', busyCode: 75 })
    expect(more).toEqual([])
    expect(job).toMatchObject({
      file: 'consul-locker-report.service',
      text: expect.stringMatching(
        /^Type=oneshot\n[\s\S]*^User=app\nExecStart=\/usr\/bin\/x "a b"\n[\s\S]*^SuccessExitStatus=75\n/m,
      ),
    })
    expect(job?.text).not.toMatch(/Restart|WantedBy/)
    expect(timer).toMatchObject({ file: 'consul-locker-report.timer' })
    expect(timer?.text).toContain('\nOnCalendar=*-*-* 03:30:00\n')
  })

  test('take a run that was skipped for no failure, whatever its code', () => {
    const [job] = unitFiles({ ...request, onCalendar: 'hourly', busyCode: 75, skipCode: 9 })
    expect(job?.text.match(/SuccessExitStatus=.*/g)).toEqual([143, 75, 9].map((code) => `SuccessExitStatus=${code}`))
  })

  test('of what runs without end are one service, which systemd hears of', () => {
    const [service, ...more] = unitFiles(request)
    expect(more).toEqual([])
    expect(service?.text).toMatch(/^Type=notify\nNotifyAccess=all\n[\s\S]*^WatchdogSec=30\n[\s\S]*^Restart=always\n/m)
    expect(service?.text.match(/SuccessExitStatus=.*/g)).toEqual(['SuccessExitStatus=143'])
    expect(service?.text).not.toContain('User=')
  })

  test.each([
    ['a/b', String.raw`consul-locker-a\x2fb.service`],
    ['a,b', String.raw`consul-locker-a\x2cb.service`],
  ])('of the lock %s are in files that systemd takes', (name, file) => {
    expect(unitFiles({ ...request, name }).map((unit) => unit.file)).toEqual([file])
  })

  test.each(['', ' ', 'hourly\nExecStart=/bin/sh', '%H'])('%j is no calendar event', (onCalendar) => {
    expect(() => unitFiles({ ...request, onCalendar })).toThrow('no calendar event')
  })
})
