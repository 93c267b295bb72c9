import { existsSync, globSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'

/** The unit tests that are named after no source, each with what it is about. */
const NAMED_OTHERWISE: Readonly<Record<string, string>> = {
  'init/init-example': 'the files in examples/init, which several sources read',
  'library/mistaken-arguments': 'what every function of the library refuses, in the same words',
  'stored-values': 'what a stranger may have written to a key, for all that read one',
}

/** Where what is larger in the core, and has no unit test of its own name, is tried: a test that comes to it. */
const TRIED_IN: Readonly<Record<string, readonly string[]>> = {
  'test/unit/lock/acquire.test.ts': ['lock/acquisition', 'lock/lock-wait'],
  'test/unit/lock/hand-off.test.ts': ['lock/succession'],
  'test/unit/lock/pause.test.ts': ['lock/pause-rider', 'lock/pause-wait', 'lock/write-pause'],
  'test/unit/lock/semaphore.test.ts': ['lock/semaphore-view'],
  'test/unit/run/run.test.ts': ['run/guarded-command', 'run/guarded-run', 'run/wait-for-lock'],
  'test/integration/release-when.test.ts': ['run/release-when'],
  'test/unit/child/guardian.test.ts': ['child/guardian-script'],
  'test/integration/terminal.test.ts': ['child/foreground', 'child/launch-on-terminal'],
  'test/unit/leader/machine/advance.test.ts': [
    'leader/machine/agent-state',
    'leader/machine/decide',
    'leader/machine/lock-rules',
    'leader/machine/reduce',
    'leader/machine/transition',
  ],
  'test/unit/leader/machine/application-rules.test.ts': ['leader/machine/role-tag'],
  'test/unit/leader/machine/precedence.test.ts': ['leader/machine/candidacy'],
}
const LARGER = 40

const TESTS = globSync('test/unit/**/*.test.ts').map((file) => file.slice('test/unit/'.length, -'.test.ts'.length))

/** Where the source of `test/unit/NAME.test.ts` stands, but for what follows its name's dot. */
function sourceOf(name: string): string {
  if (/^(?:build|scripts)\//.test(name)) return name
  return name.startsWith('virtual/') ? `test/${name}` : `src/${name}`
}

/** What a file imports, and what that does. */
function reachedFrom(file: string, reached = new Set<string>()): ReadonlySet<string> {
  reached.add(file)
  for (const [, path = ''] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()'(\.[^']+)'/g)) {
    const imported = join(dirname(file), path)
    if (!reached.has(imported)) reachedFrom(imported, reached)
  }
  return reached
}

/** Whether a file does something, and doesn't only say what is what. */
function acts(text: string): boolean {
  return /\bfunction\b|=>|\bclass\b/.test(stripTypeScriptTypes(text))
}

describe('test/unit is a mirror of src', () => {
  test('a test stands in its source’s folder, and has its name', () => {
    expect(TESTS.length).toBeGreaterThan(200)
    const strays = TESTS.filter((name) => !['.ts', '.tsx'].some((kind) => existsSync(sourceOf(name) + kind)))
    expect(strays.toSorted()).toEqual(Object.keys(NAMED_OTHERWISE))
  })

  test('what is larger in the core has such a test, or is known to be tried elsewhere', () => {
    const core = globSync(['src/{lock,run,child}/**/*.ts', 'src/leader/machine/*.ts']).filter((file) => {
      const text = readFileSync(file, 'utf8')
      return text.split('\n').length > LARGER && acts(text)
    })
    const known = [...TESTS, ...Object.values(TRIED_IN).flat()]
    expect(core.length).toBeGreaterThan(50)
    expect(core.filter((file) => !known.includes(file.slice('src/'.length, -'.ts'.length)))).toEqual([])
  })

  test.each(Object.entries(TRIED_IN))('%s comes to %j, which have no test of their own', (file, names) => {
    expect(names.filter((name) => TESTS.includes(name) || !existsSync(`src/${name}.ts`))).toEqual([])
    expect(existsSync(file)).toBe(true)
    if (!file.startsWith('test/unit/')) return
    const reached = reachedFrom(file)
    expect(names.filter((name) => !reached.has(`src/${name}.ts`))).toEqual([])
  })
})
