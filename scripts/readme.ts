/** The text of a README with the report of `npm run <script>` in its place. Throws when it has none. */
export function withReport(text: string, script: string, report: string): string {
  const [opening, closing] = [`<!-- ${script}: written by npm run ${script} -- --readme -->\n`, `<!-- /${script} -->`]
  const [begin, end] = [text.indexOf(opening), text.indexOf(closing)]
  if (begin < 0 || end < begin)
    throw new Error(`The file has no place for the table: ${opening.trim()} and ${closing}.`)
  return `${text.slice(0, begin)}${opening}\n${report}\n\n${text.slice(end)}`
}

/** A paragraph in lines of 118 characters at most. */
export function wrapped(text: string): string {
  return text.replace(/(.{1,118})(?: |$)/g, '$1\n').trimEnd()
}
