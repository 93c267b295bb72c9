import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Plugin } from 'esbuild'
import { expect, test } from 'vitest'
import { bundleApplication } from '../../../build/bundle.ts'
import { slim } from '../../../build/slim.ts'
import { parserInJavaScript } from '../../../build/translated-parser.ts'

const ROOT = join(import.meta.dirname, '../../..')

/** Notes which files the bundler reads, as against what it tells of itself. */
function noting(files: Set<string>): Plugin {
  return {
    name: 'noting',
    setup(bundler) {
      bundler.onLoad({ filter: /[/]node_modules[/]/, namespace: 'file' }, ({ path }) => {
        files.add(relative(ROOT, path))
        return undefined
      })
    },
  }
}

test('the licence of every package that the bundle is made of is in the executable, and Node’s', async () => {
  const files = new Set<string>()
  const { licences } = await bundleApplication(noting(files), parserInJavaScript, slim)
  const folders = new Set([...files].map((file) => /^.*node_modules[/](?:@[^/]+[/])?[^/]+/.exec(file)?.[0] ?? file))
  expect(folders.size).toBeGreaterThan(30)
  const missing = [...folders].filter((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'))
    return !licences.includes(`\n${name} ${version} (${license})\n`)
  })
  expect(missing).toEqual([])
  expect(licences).toContain(`\nNode.js ${process.version.slice(1)}, and what it contains\n`)
})

test('every chapter of the licences has a copyright line, and a text', async () => {
  const { licences, packages } = await bundleApplication(parserInJavaScript, slim)
  const chapters = licences.split(/^={78}\n(.*)\n={78}\n/m).slice(1)
  expect(chapters).toHaveLength(2 * (packages.length + 2))
  for (let at = 0; at < chapters.length; at += 2)
    expect(chapters[at + 1], chapters[at]).toMatch(/copyright[\s\S]*(permi|license)/i)
})
