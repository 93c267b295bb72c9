/** A page of the manual, before it is written in a form. */
export interface ManualPage {
  /** What it is called: `consul-locker-run`. */
  readonly name: string
  readonly summary: string
  readonly sections: readonly Section[]
}

export interface Section {
  readonly title: string
  readonly blocks: readonly Block[]
}

/** A paragraph, lines that stay as they are, a word and what it means, or a heading between them. */
export type Block =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'lines'; readonly lines: readonly string[] }
  | { readonly kind: 'entry'; readonly tag: string; readonly text: string }
  | { readonly kind: 'heading'; readonly text: string }

/** A section, unless there is nothing in it. */
export function section(title: string, blocks: readonly Block[]): Section[] {
  return blocks.length > 0 ? [{ title, blocks }] : []
}

export function paragraph(text: string): Block {
  return { kind: 'text', text }
}

export function entry(tag: string, text: string): Block {
  return { kind: 'entry', tag, text }
}
