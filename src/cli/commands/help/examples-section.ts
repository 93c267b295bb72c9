import type { Block } from './manual-page.ts'

/** Between an example and what is said of it. */
const GAP = / {3,}(?=\S)/
/** A line of a page has room for so many characters of one. */
const ROOM = 71
const INDENT = ' '.repeat(4)

/** Lines of examples: what is said of one stands above it. */
export function exampleBlocks(examples: readonly string[]): Block[] {
  return joined(examples).flatMap((example): Block[] => {
    const [command = '', remark] = example.split(GAP)
    const lines: Block = { kind: 'lines', lines: folded(command) }
    return remark === undefined ? [lines] : [{ kind: 'text', text: `${capital(remark)}:` }, lines]
  })
}

/** Lines that end in a backslash go on in the next one. */
function joined(examples: readonly string[]): string[] {
  return examples
    .join('\n')
    .replaceAll(/ \\\n\s*/g, ' ')
    .split('\n')
}

/** A command that is too long for a line, as a shell takes it. */
function folded(command: string): string[] {
  if (command.length <= ROOM) return [command]
  const option = command.lastIndexOf(' --', ROOM - 2)
  const cut = option > INDENT.length ? option : command.lastIndexOf(' ', ROOM - 2)
  if (cut <= INDENT.length) return [command]
  return [`${command.slice(0, cut)} \\`, ...folded(INDENT + command.slice(cut + 1))]
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
