import { describe, expect, test } from 'vitest'
import { parseNagiosArgs } from '../../../src/init/nagios-args.ts'
import type { ProcessLine } from '../../../src/init/process-count.ts'

describe('the arguments of check_procs', () => {
  const nginx: ProcessLine = { name: 'nginx', line: 'nginx: worker process', uid: 33 }
  const takes = (args: string, process = nginx) => parseNagiosArgs(args).tests.every((test) => test(process))

  test.each([
    ['-C nginx', true],
    ['-C ngin', false],
    ['--command=nginx -a worker', true],
    ["-a 'worker process' -w 1:4", true],
    ['-a master', false],
    ['--ereg-argument-array ^nginx:', true],
    ['-u 33', true],
    ['-u root', false],
  ])('%s take a process or leave it', (args, taken) => {
    expect(takes(args)).toBe(taken)
  })

  test('name a program by what the kernel keeps of its name', () => {
    expect(takes('-C a-name-that-is-too-long', { ...nginx, name: 'a-name-that-is-' })).toBe(true)
  })

  test('need at least one process, unless they say how many', () => {
    expect(parseNagiosArgs('-C x').thresholds).toEqual({ critical: { min: 1, max: Number.POSITIVE_INFINITY } })
    expect(parseNagiosArgs('-C x -w :5').thresholds).toEqual({ warning: { min: 0, max: 5 } })
  })

  test.each([
    ['-m CPU -c 5', "--nagios-args: unknown option '-m'"],
    ['-c', "--nagios-args: option '-c, --critical <value>' argument missing"],
    ['-c many', '"many" is no range of numbers'],
    ['-u no-such-user', 'there is no user "no-such-user"'],
  ])('that are %s are refused', (args, sentence) => {
    expect(() => parseNagiosArgs(args)).toThrow(sentence)
  })
})
