import * as v from 'valibot'
import { expect, test } from 'vitest'
import { type ConfigSchema, parseConfig, readConfig } from '../../../src/config/config-file.ts'

const SCHEMA: ConfigSchema<{ name: string }> = {
  what: 'the configuration',
  schema: v.object({ name: v.string() }),
}

const BOMB = ['a: &a [x, x, x, x, x, x, x, x, x, x]']
for (const [above, name] of ['ab', 'bc', 'cd', 'de'].map((pair) => pair.split(''))) {
  BOMB.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${above}`).join(', ')}]`)
}

test.each([
  [
    'an open list',
    'name: [a\n',
    'f.yaml:2: Flow sequence in block collection must be sufficiently indented and end with a ]',
  ],
  ['an open quote', 'name: "a\n', 'f.yaml:2: Missing closing "quote'],
  ['a tab', 'name: a\n\tb: c\n', 'f.yaml:2: Tabs are not allowed as indentation'],
  ['a key twice', 'name: a\nname: b\n', 'f.yaml:2: Map keys must be unique'],
  ['two documents', 'name: a\n---\nname: b\n', 'f.yaml:2: Another document begins'],
  ['an alias of nothing', 'name: *a\n', 'f.yaml: Unresolved alias (the anchor must be set before the alias): a'],
  ['aliases of aliases', BOMB.join('\n'), 'f.yaml: Excessive alias count indicates a resource exhaustion attack'],
])('%s is no YAML, which is said in one sentence', (_, text, message) => {
  expect(() => parseConfig(SCHEMA.schema, 'f.yaml', text)).toThrow(
    expect.objectContaining({ code: 'config', message, hint: 'the file must be YAML, and one document' }),
  )
})

test.each([
  ['/nowhere/f.yaml', "the configuration /nowhere/f.yaml can't be read: no such file or directory"],
  ['/', "the configuration / can't be read: it is a directory"],
  ['/dev/null/f', "the configuration /dev/null/f can't be read: not a directory"],
])('the file %s is named, and what is wrong with it', (path, message) => {
  expect(() => readConfig(SCHEMA, path)).toThrow(expect.objectContaining({ code: 'config', message }))
})

test.each([
  ['an unknown key', 'name: a\nnme: b\n', 'f.yaml:2: there is no key nme', 'the keys are name, limits'],
  ['a misspelt key', 'nme: a\n', 'f.yaml:1: there is no key nme', 'name is missing; the keys are name, limits'],
  ['a missing key', 'limits: {}\n', 'f.yaml:1: the key name is missing', 'the keys are name, limits'],
  ['a list', '- name\n', 'f.yaml:1: expected keys with values, as name: myservice', 'the keys are name, limits'],
  ['a wrong value', 'name: 1\n', 'f.yaml:1: name: expected a name, got 1', undefined],
  ['a wrong key within', 'name: a\nlimits: {most: 1}\n', 'f.yaml:2: there is no key limits.most', undefined],
])('%s is told, with all keys where those are at fault', (_, text, message, hint) => {
  const schema = v.strictObject({ name: v.string('a name'), limits: v.optional(v.strictObject({})) })
  expect(() => parseConfig(schema, 'f.yaml', text)).toThrow(expect.objectContaining({ code: 'config', message, hint }))
})
