import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'

/** The shells whose completions we have. */
export const SHELLS = {
  bash: 'for /usr/share/bash-completion/completions/consul-locker',
  zsh: 'for a file _consul-locker in a folder of $fpath',
  fish: 'for /usr/share/fish/vendor_completions.d/consul-locker.fish',
}

/** `consul-locker completion SHELL` */
export const COMPLETION_SYNTAX = {
  summary: 'print the completions of a shell',
  usage: `consul-locker completion bash|zsh|fish

Prints what a shell loads to complete our command line with the Tab key:
commands, options, values, files, locks by their names in Consul, and behind
those whatever it completes for your own command.`,
  options: OUTPUT_OPTIONS,
  operands: [{ words: SHELLS }],
  often: ['quiet'],
  examples: [
    'source <(consul-locker completion bash)       in ~/.bashrc',
    'source <(consul-locker completion zsh)        in ~/.zshrc, behind compinit',
    'consul-locker completion fish | source        in ~/.config/fish/config.fish',
  ],
  epilogue: `Names of locks come from the Consul that the environment and the options on the
line name. It has a second to answer; without an answer, or without the right to
read the names, there are none. No other program is asked but the consul-locker
on the PATH.

Exit codes: 0 printed; 2 there are none for that shell.`,
} satisfies Syntax
