import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import type { Plugin } from 'esbuild'
import { expect, test } from 'vitest'
import { type Application, bundleApplication } from '../../build/bundle.ts'
import { slim } from '../../build/slim.ts'
import { parserInJavaScript } from '../../build/translated-parser.ts'
import { lockerEnvironment } from '../kit/locker.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

const ROOT = join(import.meta.dirname, '../..')

const HOW_TO_ACCEPT = `
A plain run loads other modules than test/structure/hot-path.txt says. Every one of them costs each run time and memory.
What a run doesn't need is loaded where it is needed, by import(). If it is needed indeed, accept the new list:
    scripts/node node_modules/vitest/vitest.mjs run test/structure/hot-path.test.ts --update
and tell in the commit message what it costs (docs/internals.md has the way to measure).`

/** Has every module tell when it is loaded. */
const telling: Plugin = {
  name: 'telling',
  setup(bundler) {
    bundler.onLoad({ filter: /[.][cm]?[jt]s$/, namespace: 'file' }, async ({ path }) => ({
      contents: `loaded(${JSON.stringify(relative(ROOT, path))});${await readFile(path, 'utf8')}`,
      loader: path.endsWith('ts') ? 'ts' : 'js',
    }))
  },
}

/** The script of a run that writes down what it has loaded, of ours and of Node's own. It can load nothing later. */
function recording({ text }: Application, list: string): string {
  return `
const modules = new Set(), own = require
globalThis.loaded = (module) => modules.add(module)
process.on('exit', () => own('node:fs').writeFileSync(${JSON.stringify(list)}, [...modules].join('\\n')))
;((require) => {${text}
})((module) => (loaded(module.replace(/^(?!node:)/, 'node:')), own(module)))`
}

/** Our own files one by one, a package's as their number. */
function summary(modules: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const module of modules) {
    const name = /^node_modules[/](?:@[^/]+[/])?[^/]+/.exec(module)?.[0] ?? module
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  const lines = [...counts].map(([name, count]) => (name.startsWith('node_modules') ? `${name}: ${count}` : name))
  return `${lines.sort().join('\n')}\n`
}

test('a plain run loads the modules that are written down, and no more', async () => {
  const dir = scratch()
  const list = join(dir, 'list')
  const script = join(dir, 'main.cjs')
  writeFileSync(script, recording(await bundleApplication(telling, parserInJavaScript, slim), list))
  await promisify(execFile)(process.execPath, [script, uniqueName('hot'), 'true'], { env: lockerEnvironment({}) })
  const modules = readFileSync(list, 'utf8').split('\n')
  await expect(summary(modules), HOW_TO_ACCEPT).toMatchFileSnapshot('hot-path.txt')
})
