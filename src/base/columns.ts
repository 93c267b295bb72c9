import truncatedWidth from 'fast-string-truncated-width'

const ELLIPSIS = '…'
/** Most texts are, and of ten thousand lines the others' way would take long. */
const ASCII = /^[ -~]*$/

/** How many columns of a terminal a printable text takes: a letter of some languages takes two, an accent none. */
export function columnsOf(text: string): number {
  return ASCII.test(text) ? text.length : truncatedWidth(text).width
}

/** A printable text that takes so many columns at most; of a longer one, its beginning. */
export function fitted(text: string, columns: number): string {
  if (columns < 1) return ''
  if (ASCII.test(text)) return text.length > columns ? text.slice(0, columns - 1) + ELLIPSIS : text
  const { truncated, index } = truncatedWidth(text, { limit: columns, ellipsis: ELLIPSIS, ellipsisWidth: 1 })
  if (!truncated) return text
  // What is left of a picture that was cut in its middle may be wider than the whole.
  for (let end = index; ; end--) {
    const fit = text.slice(0, end) + ELLIPSIS
    if (end === 0 || columnsOf(fit) <= columns) return fit
  }
}

/** The same, filled up with spaces. */
export function padded(text: string, columns: number): string {
  const fit = fitted(text, columns)
  return fit + ' '.repeat(Math.max(0, columns - columnsOf(fit)))
}
