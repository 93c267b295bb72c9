import { expect, test } from 'vitest'
import { Failure } from '../../../../src/base/failure.ts'
import { withHint } from '../../../../src/cli/user-command/command-hint.ts'

test.each<[string, string | undefined, string | undefined]>([
  ['--no-wait', 'job', 'options stand before the name: consul-locker --no-wait … job …'],
  ['date; echo hi', 'job', "a line for the shell: consul-locker job -c 'date; echo hi'"],
  ["echo 'hi'", 'job', String.raw`a line for the shell: consul-locker job -c 'echo '\''hi'\'''`],
  ['a|b', undefined, "a line for the shell: sh -c 'a|b'"],
  ['date', 'job', 'the PATH is /bin'],
  ['backup', 'hisotry', 'did you mean consul-locker history backup? the PATH is /bin'],
  ['backup', 'history', 'the PATH is /bin'],
])('%s that is not found is answered with what helps', (first, name, hint) => {
  const failure = new Failure('not-found', 'the command was not found', { hint: 'the PATH is /bin' })
  expect(withHint(failure, [first], name)).toMatchObject({ code: 'not-found', message: failure.message, hint })
})
