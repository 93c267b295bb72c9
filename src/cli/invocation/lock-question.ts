import type { Context } from '../../base/context.ts'
import { Failure } from '../../base/failure.ts'
import type { Consul } from '../../consul/consul.ts'
import { checkKey, keyOfName } from '../../lock/lock-keys.ts'
import { lockReaderRules } from '../connection/acl-rules.ts'
import { connect } from '../connection/connect.ts'
import type { CONSUL_OPTIONS } from '../options/consul-options.ts'
import type { OUTPUT_OPTIONS } from '../options/output-options.ts'
import type { Syntax } from '../syntax/command-syntax.ts'
import type { Option, Values } from '../syntax/option.ts'
import { checkNoWords } from '../syntax/stray-words.ts'
import { interruptible } from './interruptible.ts'
import type { Subcommand } from './invocation.ts'
import { subcommand } from './subcommand.ts'

/** A lock that a question is about. */
export interface LockInQuestion {
  readonly name: string
  readonly key: string
}

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
    if (name === undefined) throw new Failure('usage', 'no lock was named', { hint: usage })
    checkNoWords(rest, usage)
    const ownKey = options.key as string | undefined
    const key = ownKey === undefined ? keyOfName(name) : checkKey('--key', ownKey)
    const consul = await connect(options, environment, lockReaderRules(key))
    try {
      return await interruptible(ctx, signals, (ctx) => answer(ctx, consul, { name, key }, options, environment))
    } finally {
      consul.close()
    }
  })
}
