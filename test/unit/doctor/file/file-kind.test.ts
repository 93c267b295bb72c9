import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { kindOfFile } from '../../../../src/doctor/file/file-kind.ts'

const dir = mkdtempSync(join(tmpdir(), 'consul-locker-file-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

describe('the kind of a file', () => {
  test.each([
    ['name: a\nport: 1\nhealth: {}\n', 'leader'],
    ['name: a\napplication: redis\nport: 1\n', 'leader'],
    ['#!/usr/local/bin/consul-locker init\nname: a\nport: 1\n', 'init'],
    ['name: a\nconsul_service: b\ncluster_key: c\n', 'init'],
    ['upgrade: [date]\n', 'rollout'],
    ['limits: {cluster: 2}\nhost: web1\n', 'rollout'],
    // What is wrong with it is for its loader to say.
    ['name: a\nensure_master: [\n', 'leader'],
  ])('%j is %s', (text, kind) => {
    const path = join(dir, 'file')
    writeFileSync(path, text)
    expect(kindOfFile(path)).toBe(kind)
  })

  test('is not looked for in a pipe, whose opening has no end, or in a device', () => {
    const pipe = join(dir, 'pipe')
    execFileSync('mkfifo', [pipe])
    for (const path of [pipe, '/dev/zero']) expect(() => kindOfFile(path)).toThrow(/is a pipe or a device/)
  })

  test('is not looked for in what is too large for one', () => {
    const path = join(dir, 'large')
    writeFileSync(path, 'name: a\n')
    truncateSync(path, 100 * 1024 ** 2)
    expect(() => kindOfFile(path)).toThrow(`the file ${path} has 102400 kB, and 256 kB are the most`)
  })

  test.each(['', '- a\n', 'hello: world\n', 'null\n'])('%j is none', (text) => {
    const path = join(dir, 'file')
    writeFileSync(path, text)
    expect(() => kindOfFile(path)).toThrow(/is no file of leader, init or rollout/)
  })

  test('that is not there is told', () => {
    expect(() => kindOfFile('/nowhere/x')).toThrow(/can't be read: no such file/)
  })
})
