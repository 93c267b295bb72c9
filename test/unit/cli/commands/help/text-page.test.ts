import { expect, test } from 'vitest'
import { commandPage } from '../../../../../src/cli/commands/help/command-page.ts'
import { textPage } from '../../../../../src/cli/commands/help/text-page.ts'
import type { Syntax } from '../../../../../src/cli/syntax/command-syntax.ts'
import { SYNTAXES_BY_WORD } from './known-pages.ts'

test('lines of an example stay what a shell reads, however they are folded', () => {
  const monitor = textPage(commandPage('monitor', SYNTAXES_BY_WORD.get('monitor') as Syntax))
  const examples = (monitor.split('\nEXAMPLES\n')[1] ?? '').replaceAll(/ \\\n\s*/g, ' ')
  expect(examples).toContain('consul-locker monitor --label web --monitor-url http://127.0.0.1:8080/health\n')
})
