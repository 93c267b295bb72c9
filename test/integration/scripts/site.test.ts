import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeSite } from '../../../scripts/site/site.ts'

test('every document is a page of the site, and every link on it leads somewhere', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'site-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  const pages = await makeSite(relative('.', dir))
  expect(pages.map(({ file }) => file)).toEqual(expect.arrayContaining(['README.md', 'docs/run.md', 'CHANGELOG.md']))

  const run = readFileSync(join(dir, 'docs/run.html'), 'utf8')
  expect(run).toMatch(/<h1 id="[^"]+"/)
  expect(run).toContain('aria-current="page">A run under a lock</a>')
  expect(run).toContain('<a href="../examples/index.html">Examples</a>')
  // Braces stay as they are.
  expect(readFileSync(join(dir, 'examples/prometheus/alerts.yml.html'), 'utf8')).toContain('{{ $labels.')
})
