import { SHARED_EXITS } from '../../exit-codes.ts'
import { type Block, entry } from './manual-page.ts'
import { proseBlocks } from './prose.ts'

const AS_FOR_A_RUN = /((?:\d+,\s)*\d+)\sas\sfor\sa\srun/

/** What a command's help says of its exit codes, and what those mean that are as for a run. */
export function exitsBlocks(text: string): Block[] {
  const [, shared = ''] = AS_FOR_A_RUN.exec(text) ?? []
  const own = text.replace(/^Exit codes:(?: |\n)/, '')
  const codes = shared.split(/,\s/).filter((code) => Object.hasOwn(SHARED_EXITS, code))
  return [...proseBlocks(own), ...codes.map((code) => entry(code, SHARED_EXITS[code] ?? ''))]
}
