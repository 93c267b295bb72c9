import type { Syntax } from '../../syntax/command-syntax.ts'
import { writtenForm } from '../../syntax/help.ts'
import { epilogueParts, usageParts } from './command-page.ts'
import { sharedBlocks } from './environment-section.ts'
import { exampleBlocks } from './examples-section.ts'
import { exitsBlocks } from './exits-section.ts'
import { type Block, entry, type ManualPage, paragraph, section } from './manual-page.ts'
import { proseBlocks } from './prose.ts'

const FILES: Readonly<Record<string, string>> = {
  '/run/consul-locker': "root's files of this machine: what several processes of a user share",
  '/run/user/UID/consul-locker':
    "another user's; where there is none, /dev/shm/consul-locker-UID or /tmp/consul-locker-UID",
}

/** The page of the whole: `consul-locker`. */
export function overviewPage(run: Syntax, commands: ReadonlyMap<string, Syntax>): ManualPage {
  const { synopsis, description } = usageParts(run)
  const [exits] = epilogueParts(run)
  return {
    name: 'consul-locker',
    summary: 'flock for a data centre, with Consul as the arbiter',
    sections: [
      ...section('SYNOPSIS', [{ kind: 'lines', lines: [...synopsis, 'consul-locker <word> …'] }]),
      ...section('DESCRIPTION', [...proseBlocks(description), paragraph(WORDS)]),
      ...section(
        'COMMANDS',
        [...commands].map(([word, { summary }]) => entry(word, capital(summary))),
      ),
      ...section('OPTIONS', oftenBlocks(run)),
      ...section('EXIT STATUS', exitsBlocks(exits)),
      ...section('ENVIRONMENT', [paragraph(VARIABLES), ...sharedBlocks(run)]),
      ...section(
        'FILES',
        Object.entries(FILES).map(([file, meaning]) => entry(file, meaning)),
      ),
      ...section('EXAMPLES', exampleBlocks(run.examples ?? [])),
      ...section('SEE ALSO', [paragraph([...commands.keys()].map((word) => `consul-locker-${word}(1)`).join(', '))]),
    ],
  }
}

const WORDS =
  'A first word that is one of the commands below is that command; a lock of such a name is locked by consul-locker run. Each command has a page of its own, and --help.'

const VARIABLES =
  'Most options are variables, too: --no-wait is CONSUL_LOCKER_NO_WAIT=true, --ttl 20s is CONSUL_LOCKER_TTL=20s. The page of each command names them.'

function oftenBlocks({ options, often = [] }: Syntax): Block[] {
  const entries = often.flatMap((name) => {
    const option = options[name]
    return option ? [entry(writtenForm(name, option), option.describe)] : []
  })
  return [paragraph('Those that are given most; consul-locker-run(1) has all.'), ...entries]
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
