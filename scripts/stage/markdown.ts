/** The text of a document with the report of `npm run <script>` in its place. Throws when it has none. */
export function withReport(text: string, script: string, report: string): string {
  const [opening, closing] = [`<!-- ${script}: written by npm run ${script} -- --into -->\n`, `<!-- /${script} -->`]
  const [begin, end] = [text.indexOf(opening), text.indexOf(closing)]
  if (begin < 0 || end < begin)
    throw new Error(`The file has no place for the table: ${opening.trim()} and ${closing}.`)
  return `${text.slice(0, begin)}${opening}\n${report}\n\n${text.slice(end)}`
}

type Cell = string | number

/**
 * Rows of cells as a table, the first of them its head. Columns of words stand to the left, of numbers to the right.
 */
export function table(rows: readonly (readonly Cell[])[], words: readonly number[] = [0]): string {
  const [head = [], ...body] = rows
  const rule = head.map((_, column) => (words.includes(column) ? '---' : '---:'))
  return [head, rule, ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** A paragraph in lines of 118 characters at most. */
export function wrapped(text: string): string {
  return text.replace(/(.{1,118})(?: |$)/g, '$1\n').trimEnd()
}
