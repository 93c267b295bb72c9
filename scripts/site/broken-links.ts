import { globSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'

const { dirname, join } = posix

const ANCHOR = /\sid="([^"]*)"/g
const LINK = /<(\w+)\s[^>]*?(?:href|src)="([^"]*)"/g

/**
 * Every link of the pages below a folder that leads nowhere, as `page: link`: to a file that isn't there, to a heading
 * that the page doesn't have, to the root of a server; and what a page would load from elsewhere.
 */
export function brokenLinks(site: string): string[] {
  const files = globSync('**/*.*', { cwd: site })
  const pages = files.filter((file) => file.endsWith('.html'))
  const html = new Map(pages.map((page) => [page, readFileSync(join(site, page), 'utf8')]))
  const anchors = new Map([...html].map(([page, text]) => [page, all(ANCHOR, text).map(([, id = '']) => id)]))
  const leads = (page: string, element: string, link: string): boolean => {
    if (/^[a-z]+:/.test(link)) return element === 'a' && !link.startsWith('file:')
    if (link.startsWith('/')) return false
    const [path = '', heading] = decodeURI(link).split('#')
    const target = path === '' ? page : join(dirname(page), path)
    return files.includes(target) && (heading === undefined || anchors.get(target)?.includes(heading) === true)
  }
  return [...html].flatMap(([page, text]) =>
    all(LINK, text)
      .filter(([, element = '', link = '']) => !leads(page, element, link))
      .map(([, , link]) => `${page}: ${link}`),
  )
}

const all = (pattern: RegExp, text: string) => [...text.matchAll(pattern)]
