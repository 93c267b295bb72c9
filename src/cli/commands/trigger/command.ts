import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { isatty } from 'node:tty'
import { unlessAborted } from '../../../base/abort.ts'
import { Failure } from '../../../base/failure.ts'
import { homeFolder } from '../../../host/home-folder.ts'
import { parseFailingChecks, TRIGGER_STATES, type TriggerState } from '../../../init/failing-checks.ts'
import { readTriggerFile } from '../../../init/trigger-file.ts'
import { runTriggers } from '../../../init/triggers.ts'
import { connect } from '../../connection/connect.ts'
import { orFromOwnFile } from '../../connection/consul-of-file.ts'
import { EXIT } from '../../exit-codes.ts'
import { interruptible } from '../../invocation/interruptible.ts'
import { subcommand } from '../../invocation/subcommand.ts'
import { checkNoWords } from '../../syntax/stray-words.ts'
import { TRIGGER_SYNTAX } from './syntax.ts'

/** `consul-locker trigger critical|warning` */
export const triggerCommand = subcommand(
  TRIGGER_SYNTAX,
  async ({ ctx, options, words, command = [], environment, signals }) => {
    const [word, ...rest] = words
    const state = stateOf(word)
    checkNoWords([...rest, ...command], 'consul-locker trigger critical|warning')
    const { config = configAtHome(environment), service, timeout: timeoutMs } = options
    const file = readTriggerFile(config)
    const consul = await connect(orFromOwnFile(options, file.consul, environment), environment)
    try {
      return await interruptible(ctx, signals, async (ctx) => {
        const failing =
          service === undefined
            ? parseFailingChecks(await listOfWatch(ctx.signal), state, 'the standard input')
            : parseFailingChecks(service, state, '--service')
        const isWell = await runTriggers(ctx, { consul, file, state, failing, environment, timeoutMs })
        return isWell ? EXIT.done : EXIT.no
      })
    } finally {
      consul.close()
    }
  },
)

function configAtHome(environment: NodeJS.ProcessEnv): string {
  const home = homeFolder(environment)
  if (home !== undefined) return join(home, '.powerconsul.conf')
  throw new Failure('usage', 'there is no home folder to read .powerconsul.conf from', {
    hint: 'give the file: --config FILE',
  })
}

function stateOf(word: string | undefined): TriggerState {
  const state = TRIGGER_STATES.find((state) => state === word)
  if (state) return state
  const sentence = word === undefined ? 'no state was given' : `there is no trigger for ${JSON.stringify(word)}`
  throw new Failure('usage', sentence, {
    hint: `the states are ${TRIGGER_STATES.join(', ')}`,
  })
}

function listOfWatch(signal: AbortSignal): Promise<string> {
  if (isatty(0)) {
    throw new Failure('usage', 'no list of checks was given', {
      hint: 'it comes on standard input, from a Consul watch of type checks; or give --service',
    })
  }
  return unlessAborted(signal, text(process.stdin))
}
