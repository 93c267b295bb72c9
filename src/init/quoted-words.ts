/** Splits a line into words as a shell would without its other magic: quotes keep words together. */
export function quotedWords(line: string): string[] {
  const words = line.matchAll(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g)
  return [...words].map(([word]) => word.replaceAll(/"([^"]*)"|'([^']*)'/g, '$1$2'))
}
