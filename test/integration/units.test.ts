import { spawn } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { program } from '../../scripts/provide/debian.ts'
import { type Ended, Running } from '../kit/locker.ts'
import { scratch } from '../kit/unique.ts'

const PROJECT = join(import.meta.dirname, '../..')
const UNITS = globSync(['examples/**/*.service', 'packaging/**/*.service'], { cwd: PROJECT }).sort()
/** What the packages have as templates, and where it was an example before. */
const TEMPLATES: Readonly<Record<string, string>> = {
  'packaging/systemd/consul-locker-leader@.service': 'examples/leader.service',
  'packaging/systemd/consul-locker-rollout@.service': 'examples/rollout/rollout.service',
  'packaging/systemd/consul-locker-rollout@.timer': 'examples/rollout/rollout.timer',
}
/** As systemd rates it, from 0 (confined) to 10. A rollout upgrades the machine. */
const MOST_EXPOSED: Readonly<Record<string, number>> = {
  'examples/rollout/rollout.service': 9.6,
  'packaging/systemd/consul-locker-rollout@.service': 9.6,
}
const USUAL = 6.5

/** Runs systemd-analyze on a copy of a unit, beside those of its folder, and with programs that this machine has. */
async function analyze(unit: string, ...words: string[]): Promise<Ended> {
  const dir = scratch()
  for (const one of UNITS.filter((other) => dirname(other) === dirname(unit))) {
    const text = readFileSync(join(PROJECT, one), 'utf8')
    writeFileSync(join(dir, basename(one)), text.replaceAll(/\/usr\/(local\/)?(bin|libexec)\/[\w-]+/g, '/bin/true'))
  }
  const { path, env } = await program('systemd-analyze', 'systemd')
  return new Running(spawn(path, [...words, join(dir, basename(unit))], { env })).ends()
}

describe.each(UNITS)('the unit %s', (unit) => {
  test('is one that systemd has nothing to say against', async () => {
    const { code, stderr } = await analyze(unit, 'verify')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  test('leaves no token in a dump, and is confined as far as its work allows', async () => {
    expect(readFileSync(join(PROJECT, unit), 'utf8')).toMatch(/^LimitCORE=0$/m)
    const { stdout } = await analyze(unit, 'security', '--offline=true')
    const [, exposure] = /exposure level for \S+: ([\d.]+)/.exec(stdout) ?? []
    expect(Number(exposure)).toBeLessThanOrEqual(MOST_EXPOSED[unit] ?? USUAL)
  })
})

test.each(Object.entries(TEMPLATES))('%s says what %s does, but for names', (template, example) => {
  const settings = (file: string) =>
    readFileSync(join(PROJECT, file), 'utf8')
      .split('\n')
      .filter((line) => /^[[A-Z]/.test(line) && !/^(Description|Documentation|ExecStart|After)=/.test(line))
  expect(settings(template)).toEqual(settings(example))
})
