import { everywhere, flag, onlyWord, option, type Values } from '../syntax/option.ts'

/** How we talk; every command takes these. */
export const OUTPUT_OPTIONS = {
  ...everywhere({
    'log-format': { ...option('Output:', 'FORM', 'how we talk on stderr: text or json'), choices: ['text', 'json'] },
    quiet: { ...flag('Output:', 'only warnings and errors on stderr'), alias: 'q' },
  }),
  h: onlyWord(flag('Output:', 'a short help')),
  help: onlyWord(flag('Output:', 'show this help')),
}

export type OutputOptions = Pick<Values<typeof OUTPUT_OPTIONS>, 'log-format' | 'quiet'>
