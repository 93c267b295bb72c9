import type { Context } from '../../base/context.ts'
import type { Consul } from '../../consul/consul.ts'
import { lockReaderRules } from '../connection/acl-rules.ts'
import { connect } from '../connection/connect.ts'
import type { CONSUL_OPTIONS } from '../options/consul-options.ts'
import type { OUTPUT_OPTIONS } from '../options/output-options.ts'
import type { Syntax } from '../syntax/command-syntax.ts'
import type { Option, Values } from '../syntax/option.ts'
import { checkNoWords } from '../syntax/stray-words.ts'
import { interruptible } from './interruptible.ts'
import type { Subcommand } from './invocation.ts'
import { type LockInQuestion, lockNamed } from './lock-named.ts'
import { subcommand } from './subcommand.ts'

type QuestionOptions = typeof CONSUL_OPTIONS &
  typeof OUTPUT_OPTIONS & { readonly key: Option<string | undefined> } & Readonly<Record<string, Option>>

/** A command that asks something about one lock: `consul-locker <word> NAME`. `answer` settles with the exit code. */
export function lockQuestion<O extends QuestionOptions>(
  syntax: Syntax<O>,
  word: string,
  answer: (
    ctx: Context,
    consul: Consul,
    lock: LockInQuestion,
    options: Values<O>,
    environment: NodeJS.ProcessEnv,
  ) => Promise<number>,
): Subcommand {
  return subcommand(syntax, async ({ ctx, options, words, environment, signals }) => {
    const usage = `consul-locker ${word} NAME`
    const [name, ...rest] = words
    checkNoWords(rest, usage)
    const lock = lockNamed(name, options.key as string | undefined, usage)
    const consul = await connect(options, environment, lockReaderRules(lock.key))
    try {
      return await interruptible(ctx, signals, (ctx) => answer(ctx, consul, lock, options, environment))
    } finally {
      consul.close()
    }
  })
}
