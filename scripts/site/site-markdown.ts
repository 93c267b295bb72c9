import { posix } from 'node:path'
import { slug } from 'github-slugger'
import type { MarkdownIt } from 'markdown-it'
import anchor from 'markdown-it-anchor'
import { addressOf, way } from './site-address.ts'

const { dirname, join } = posix

/** The attribute by which a token leads elsewhere. */
const LEADS = { link_open: 'href', image: 'src' } as const

/** Has headings bear the anchors that GitHub gives them, and links lead to pages of the site. */
export function forSite(markdown: MarkdownIt): void {
  markdown.use(anchor, { slugify: slug, permalink: anchor.permalink.headerLink({ safariReaderFix: true }) })
  markdown.core.ruler.before('anchor', 'links-within-the-site', ({ tokens, env }) => {
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const attribute = LEADS[token.type as keyof typeof LEADS]
      const target = attribute && token.attrGet(attribute)
      if (target) token.attrSet(attribute, withinSite(String(env.file), String(target)))
    }
  })
}

/** What a link of a document becomes on its page. */
function withinSite(file: string, target: string): string {
  const [path = '', heading] = target.split('#')
  if (path === '' || /^[a-z]+:/.test(path)) return target
  const page = way(addressOf(file), addressOf(join(dirname(file), path).replace(/\/$/, '')))
  return heading === undefined ? page : `${page}#${heading}`
}
