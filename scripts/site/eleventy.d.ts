/** What we use of Eleventy, which has no types for its constructor. */
declare module '@11ty/eleventy' {
  import type MarkdownIt from 'markdown-it'

  export interface Configuration {
    setLayoutsDirectory(dir: string): void
    setTemplateFormats(formats: string[]): void
    addPassthroughCopy(copies: Record<string, string>): void
    addGlobalData(name: string, value: unknown): void
    addFilter(name: string, filter: (value: string, argument: string) => string): void
    addTemplate(path: string, content: string, data: object): void
    amendLibrary(engine: 'md', amend: (markdown: MarkdownIt) => void): void
  }

  export interface Settings {
    readonly quietMode: boolean
    readonly config: (eleventy: Configuration) => void
  }

  export class Eleventy {
    constructor(input: string, output: string, settings: Settings)
    write(): Promise<unknown>
  }
}
