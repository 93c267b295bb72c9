import type { Operand, OperandKind } from '../../syntax/operand.ts'
import type { Options } from '../../syntax/option.ts'
import type { Place } from './place.ts'

/** A word that may be meant, and what it does in a few words. */
export interface Candidate {
  readonly word: string
  readonly describes: string
}

/** What a shell is told: what it completes itself, and our own candidates. */
export interface ShellAnswer {
  readonly shell: 'nothing' | 'files' | 'folders' | `command ${number}`
  readonly candidates: readonly Candidate[]
}

/** Gives the words of a kind that begin so. */
export type Look = (kind: OperandKind, beginning: string, place: Place) => Promise<readonly Candidate[]>

/** All that may stand in a place. */
export async function answerFor(place: Place, look: Look): Promise<ShellAnswer> {
  if (place.kind === 'command') return { shell: `command ${place.at}`, candidates: [] }
  if (place.kind === 'option') return { shell: 'nothing', candidates: optionsFor(place.options, place.beginning) }
  const { operands, before, beginning } = place
  const found = await Promise.all(operands.map((operand) => candidatesOf(operand, beginning, place, look)))
  const kinds = operands.map(({ kind }) => kind)
  return {
    shell: kinds.includes('file') ? 'files' : kinds.includes('folder') ? 'folders' : 'nothing',
    candidates: found.flat().map(({ word, describes }) => ({ word: before + word, describes })),
  }
}

async function candidatesOf(
  { words = {}, kind }: Operand,
  beginning: string,
  place: Place,
  look: Look,
): Promise<Candidate[]> {
  const own = Object.entries(words).map(([word, describes]) => ({ word, describes }))
  const others = kind === undefined ? [] : await look(kind, beginning, place)
  return [...own, ...others].filter(({ word }) => word.startsWith(beginning))
}

/** By their long names, for those say what they are. */
function optionsFor(options: Options, beginning: string): Candidate[] {
  return Object.entries(options)
    .filter(([name]) => name.length > 1)
    .map(([name, { describe }]) => ({ word: `--${name}`, describes: describe }))
    .filter(({ word }) => word.startsWith(beginning))
}

/** The answer as a shell's script reads it: what the shell does, and a line for each candidate. */
export function answerLines({ shell, candidates }: ShellAnswer): string[] {
  return [shell, ...candidates.map(({ word, describes }) => (describes === '' ? word : `${word}\t${describes}`))]
}
