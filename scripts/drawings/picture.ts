/** Where what is drawn ends, at which height. */
export interface Drawn {
  readonly height: number
  readonly elements: readonly string[]
}

/** The width of every drawing, in pixels: a page of documents shows it whole. */
export const WIDTH = 760

const COLOURS = `
    svg { --paper: #ffffff; --ink: #1f2328; --line: #8c959f; --green: #1a7f37; --orange: #bc4c00; --blue: #0969da; --grey: #afb8c1; --cyan: #1b7c83; --magenta: #8250df; --yellow: #9a6700 }
    @media (prefers-color-scheme: dark) {
      svg { --paper: #0d1117; --ink: #e6edf3; --line: #6e7681; --green: #3fb950; --orange: #f0883e; --blue: #58a6ff; --grey: #484f58; --cyan: #39c5cf; --magenta: #bc8cff; --yellow: #d29922 }
    }
    text { fill: var(--ink); font: 14px system-ui, sans-serif } .paper { fill: var(--paper) }`

/** A picture with its own paper and ink, readable on a light page, on a dark one, and by a screen reader. */
export function picture(title: string, description: string, style: string, { height, elements }: Drawn): string {
  const lines = [
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="desc">${escaped(description)}</desc>`,
    `<style>${COLOURS}\n    ${style}\n  </style>`,
    `<rect class="paper" width="${WIDTH}" height="${height}"/>`,
    ...elements,
  ]
  const size = `viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}"`
  const head = `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-labelledby="title desc">`
  return `${head}\n${lines.map((line) => `  ${line}\n`).join('')}</svg>\n`
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Text for an element or an attribute. */
export function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character)
}
