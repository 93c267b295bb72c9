import { chmodSync, linkSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { judgeCheck } from '../../../src/init/check-result.ts'
import { observeCrontab } from '../../../src/init/crontab.ts'
import { scratch } from '../../kit/unique.ts'

describe('a crontab', () => {
  const cron = (mode: number, jobs = '5 4 * * * /bin/true\n') => {
    const folder = join(scratch(), 'crontabs')
    mkdirSync(folder)
    const file = join(folder, 'root')
    writeFileSync(file, jobs)
    chmodSync(file, mode)
    const spools = [{ folder, takes: (bits: number) => bits === 0o600, modes: 'mode 600' }]
    return { folder, file, observe: (user = 'root', pattern?: string) => observeCrontab(user, pattern, spools) }
  }

  test.runIf(process.getuid?.() === 0)('of comments and variables is stopped', () => {
    const empty = cron(0o600, '# 5 * * * * /bin/true\nMAILTO=root\n\n')
    expect(empty.observe()).toMatchObject({ state: 'stopped', note: `${empty.file} has no jobs` })
  })

  test.runIf(process.getuid?.() === 0)('without a job that has the pattern is stopped; a comment is no job', () => {
    const jobs = cron(0o600, '# 5 * * * * /bin/report\n5 4 * * * /bin/backup\n')
    expect(jobs.observe('root', '/bin/backup')).toMatchObject({ state: 'running' })
    const note = `no job in ${jobs.file} has "/bin/report" in its line`
    expect(jobs.observe('root', '/bin/report')).toMatchObject({ state: 'stopped', note })
  })

  test('that isn’t there is stopped', () => {
    expect(cron(0o600).observe('daemon')).toMatchObject({ state: 'stopped' })
  })

  test.runIf(process.getuid?.() === 0)('that cron runs passes', () => {
    expect(cron(0o600).observe()).toEqual({ type: 'crontab', name: 'root', state: 'running' })
  })

  test.runIf(process.getuid?.() === 0)('that cron refuses is a warning that says why', () => {
    const open = cron(0o644)
    const seen = open.observe()
    expect(seen).toMatchObject({
      health: 'warning',
      note: `cron does not run ${open.file}: it has mode 644, and must have mode 600`,
    })
    expect(judgeCheck(seen, { clustered: false })).toMatchObject({ health: 'warning', notes: [seen.note] })
    const linked = cron(0o600)
    linkSync(linked.file, join(linked.folder, 'other'))
    expect(linked.observe().note).toContain('it has 2 hard links')
    const stranger = cron(0o600)
    linkSync(stranger.file, join(stranger.folder, 'daemon'))
    expect(stranger.observe('daemon').note).toContain('it belongs to the user 0, not to daemon')
  })
})
