import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { brokenLinks } from '../../../../scripts/site/broken-links.ts'

function site(files: Record<string, string>): string {
  const dir = mkdtempSync(join(tmpdir(), 'site-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, file)), { recursive: true })
    writeFileSync(join(dir, file), text)
  }
  return dir
}

test.each([
  ['a page that is there', '<a href="docs/run.html">', true],
  ['a heading of it', '<a href="docs/run.html#signals">', true],
  ['a heading of the page itself', '<a class="x" href="#top">', true],
  ['a picture', '<img src="docs/queue.svg" alt="">', true],
  ['a site elsewhere', '<a href="https://example.org/">', true],
  ['a page that is not there', '<a href="docs/walk.html">', false],
  ['a heading that the page does not have', '<a href="docs/run.html#signs">', false],
  ['a heading that the page itself does not have', '<a href="#bottom">', false],
  ['a picture that is not there', '<img alt="" src="docs/line.svg">', false],
  ['a folder, which only a server answers', '<a href="docs/">', false],
  ['the root of a server', '<a href="/docs/run.html">', false],
  ['what lies above the site', '<a href="../README.md">', false],
  ['a file of one machine', '<a href="file:///srv/run.html">', false],
  ['a picture that is loaded from elsewhere', '<img src="https://example.org/a.svg">', false],
  ['a style that is loaded from elsewhere', '<link rel="stylesheet" href="https://example.org/a.css">', false],
])('%s leads somewhere, or is named', (_what, link, leads) => {
  const dir = site({
    'index.html': `<h1 id="top">Top</h1>${link}`,
    'docs/run.html': '<h2 id="signals" tabindex="-1">Signals</h2><a href="../index.html#top">',
    'docs/queue.svg': '<svg/>',
  })
  const [, target] = /(?:href|src)="([^"]*)"/.exec(link) ?? []
  expect(brokenLinks(dir)).toEqual(leads ? [] : [`index.html: ${target}`])
})
