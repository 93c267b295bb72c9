import { expect, test } from 'vitest'
import { checkedSchedule } from '../../../src/schedule/crontab-schedule.ts'

test.each([
  ['7 * * * *', '7 * * * *'],
  ['  7,37\t*/2  1-15 jan-JUN mon,Fri ', '7,37 */2 1-15 jan-JUN mon,Fri'],
  ['0-59/5 0 31 12 7', '0-59/5 0 31 12 7'],
  [' @hourly ', '@hourly'],
])('%j is a schedule', (given, schedule) => expect(checkedSchedule(given)).toBe(schedule))

test.each([
  ['', 'no five fields'],
  ['hourly', 'no five fields'],
  ['@sometimes', 'no five fields'],
  ['7 * * *', 'no five fields'],
  ['7 * * * * root', 'no five fields'],
  ['60 * * * *', 'minute'],
  ['* 24 * * *', 'hour'],
  ['* * 0 * *', 'day of the month'],
  ['* * * 13 *', 'month'],
  ['* * * * 8', 'day of the week'],
  ['* * * mon *', 'month'],
  ['5/2 * * * *', 'minute'],
  ['*/0 * * * *', 'minute'],
  ['30-10 * * * *', 'minute'],
  ['1,,2 * * * *', 'minute'],
  ['-5 * * * *', 'minute'],
  ['%M * * * *', 'minute'],
  ['7\n* * * *', 'no five fields'],
])('%j is none: %s', (given, complaint) => expect(() => checkedSchedule(given)).toThrow(complaint))
