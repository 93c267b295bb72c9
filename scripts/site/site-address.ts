import { posix } from 'node:path'

const { basename, dirname, extname, join, relative } = posix

/** Whether the site has the file as it is, and no page of it. */
export const isPicture = (file: string): boolean => ['.svg', '.png'].includes(extname(file))

/**
 * Where the site has what stands in the project at `path`: the page of a Markdown file, a README's as its folder's, or
 * a page that shows another file.
 */
export function addressOf(path: string): string {
  if (isPicture(path)) return path
  if (basename(path) === 'README.md') return join(dirname(path), 'index.html')
  return extname(path) === '.md' ? `${path.slice(0, -'.md'.length)}.html` : `${path}.html`
}

/** The way from one address of the site to another, which needs no server. */
export function way(from: string, to: string): string {
  return relative(dirname(from), to)
}
