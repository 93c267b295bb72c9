/** A text in lines of at most so many characters, but for words that are longer. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** The same, with words that are longer in pieces. */
export function wrappedWhole(text: string, width: number): string[] {
  const piece = new RegExp(`.{1,${width}}`, 'gsu')
  const words = text.split(' ').flatMap((word) => word.match(piece) ?? '')
  return wrapped(words.join(' '), width)
}
