import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Eleventy } from '@11ty/eleventy'
import { execute } from '../provide/execute.ts'
import { brokenLinks } from './broken-links.ts'
import { navigation } from './navigation.ts'
import { type Page, pagesOf } from './pages.ts'
import { addressOf, way } from './site-address.ts'
import { forSite } from './site-markdown.ts'

/** The Markdown that our readers read; what is below build/ and test/ others read elsewhere. */
const DOCUMENTS = /^(?!build\/|test\/).*\.md$/
const ROOM = 'scripts/site'

/**
 * Makes the site of the documents, in the place of what is at `output`, and resolves with its pages. Runs at the root
 * of the project. Rejects when a page is missing, and when a link leads nowhere.
 */
export async function makeSite(output: string): Promise<readonly Page[]> {
  const tracked = (await execute('git', ['ls-files', '--deduplicate'])).trim().split('\n')
  const documents = tracked.filter((file) => DOCUMENTS.test(file) && existsSync(file))
  const pages = pagesOf(documents, tracked)
  rmSync(output, { recursive: true, force: true })
  await render(pages, jobsOf(documents, pages), output)
  const missing = pages.filter(({ address }) => !existsSync(join(output, address)))
  if (missing.length > 0) throw new Error(`No page was made of ${missing.map(({ file }) => file).join(', ')}.`)
  const broken = brokenLinks(output)
  if (broken.length > 0) throw new Error(`Links of the site lead nowhere:\n${broken.join('\n')}`)
  return pages
}

interface Group {
  readonly job: string
  readonly pages: readonly { readonly title: string; readonly address: string }[]
}

function jobsOf(documents: readonly string[], pages: readonly Page[]): Group[] {
  const titles = new Map(pages.map(({ file, title }) => [file, title]))
  return navigation(documents).map(({ job, pages }) => ({
    job,
    pages: pages.map((file) => ({ title: titles.get(file) ?? file, address: addressOf(file) })),
  }))
}

async function render(pages: readonly Page[], jobs: readonly Group[], output: string): Promise<void> {
  const eleventy = new Eleventy(ROOM, output, {
    quietMode: true,
    config(site) {
      site.setLayoutsDirectory('look')
      site.setTemplateFormats(['md'])
      site.addPassthroughCopy({ 'docs/pictures': 'docs/pictures', [`${ROOM}/look/site.css`]: 'site.css' })
      site.addGlobalData('jobs', jobs)
      site.addFilter('wayFrom', (to, from) => way(from, to))
      site.amendLibrary('md', forSite)
      for (const { markdown, address, ...page } of pages) {
        // Braces in our documents are Prometheus's and Go's: no template is to be seen in them.
        const data = { ...page, address, permalink: address, layout: 'page.njk', templateEngineOverride: 'md' }
        site.addTemplate(`${address}.md`, markdown, data)
      }
    },
  })
  await eleventy.write()
}
