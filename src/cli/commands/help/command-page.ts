import { wrapped } from '../../../base/wrapped-text.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { writtenForm } from '../../syntax/help.ts'
import { environmentBlocks } from './environment-section.ts'
import { exampleBlocks } from './examples-section.ts'
import { exitsBlocks } from './exits-section.ts'
import { type Block, entry, type ManualPage, paragraph, section } from './manual-page.ts'
import { proseBlocks } from './prose.ts'

/** A line of a page has room for so many characters of a synopsis, when the next one stands back. */
const ROOM = 67

/** The page of a command: `consul-locker-run`. */
export function commandPage(word: string, syntax: Syntax): ManualPage {
  const { synopsis, description } = usageParts(syntax)
  const [exits, notes] = epilogueParts(syntax)
  return {
    name: `consul-locker-${word}`,
    summary: syntax.summary,
    sections: [
      ...section('SYNOPSIS', [{ kind: 'lines', lines: synopsis }]),
      ...section('DESCRIPTION', proseBlocks(description)),
      ...section('OPTIONS', [...optionBlocks(syntax), ...includedBlocks(syntax)]),
      ...section('NOTES', proseBlocks(notes)),
      ...section('EXIT STATUS', exitsBlocks(exits)),
      ...section('ENVIRONMENT', environmentBlocks(syntax)),
      ...section(
        'FILES',
        Object.entries(syntax.files ?? {}).map(([file, meaning]) => entry(file, meaning)),
      ),
      ...section('EXAMPLES', exampleBlocks(syntax.examples ?? [])),
      ...section('SEE ALSO', [paragraph(seeAlso(word))]),
    ],
  }
}

/** The command line's forms, and what the command does. */
export function usageParts({ usage }: Syntax): { synopsis: string[]; description: string } {
  const [synopsis = '', ...rest] = usage.split('\n\n')
  const lines = synopsis.split('\n').flatMap((line) => {
    const [first = '', ...others] = wrapped(line, ROOM)
    return [first, ...others.map((other) => `    ${other}`)]
  })
  return { synopsis: lines, description: rest.join('\n\n') }
}

const EXITS = /^Exit codes/m

/** What an epilogue says of exit codes, which is at its end, and what it says before. */
export function epilogueParts({ epilogue }: Syntax): [exits: string, notes: string] {
  const at = epilogue.search(EXITS)
  return at < 0 ? ['', epilogue] : [epilogue.slice(at), epilogue.slice(0, at).trim()]
}

/** The options, below the headings of the help. */
function optionBlocks({ options }: Syntax): Block[] {
  const groups = Map.groupBy(Object.entries(options), ([, { group }]) => group)
  return [...groups].flatMap(([group, members]): Block[] => [
    { kind: 'heading', text: group.replace(/:$/, '') },
    ...members.map(([name, option]) => entry(writtenForm(name, option), option.describe)),
  ])
}

function includedBlocks({ includes }: Syntax): Block[] {
  if (!includes) return []
  const text = 'All options of consul-locker-run(1) may be given, too, and mean here what they mean there.'
  return [{ kind: 'heading', text: 'Of the run' }, paragraph(text)]
}

function seeAlso(word: string): string {
  return ['consul-locker(1)', ...(word === 'run' ? [] : ['consul-locker-run(1)'])].join(', ')
}
