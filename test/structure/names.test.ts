import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { expect, test } from 'vitest'

const FILES = globSync('src/**/*.{ts,tsx}').sort()

/** Each command's folder has these, and the folder says whose they are. */
const FIXED = /^src\/cli\/commands\/[^/]+\/(?:command|syntax|view)\.ts$/

const EXPORTED = /^export (?:abstract )?(?:async )?(?:function\*?|const|let|class|interface|type|enum) (\w+)/gm

/** What the package exports is named for its users, and means what the command means by it. */
const PUBLISHED = readFileSync('src/library/published.ts', 'utf8')

const isPublished = (name: string, file: string) =>
  file.startsWith('src/library/') && new RegExp(`\\b${name}\\b`).test(PUBLISHED)

/** The names that more than one place has, with all of their places. */
function doubled(places: readonly (readonly [name: string, place: string])[]): string[] {
  const byName = Map.groupBy(places, ([name]) => name)
  return [...byName].flatMap(([name, all]) => {
    const distinct = [...new Set(all.map(([, place]) => place))]
    return distinct.length > 1 ? [`${name}: ${distinct.join(', ')}`] : []
  })
}

test('no two files of src are called the same', () => {
  expect(FILES.length).toBeGreaterThan(100)
  const others = FILES.filter((file) => !FIXED.test(file))
  expect(doubled(others.map((file) => [basename(file), file]))).toEqual([])
})

test('no two files of src export the same name: one noun means one thing', () => {
  const exported = FILES.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(EXPORTED)].map(([, name = '']) => [name, file] as const),
  )
  expect(exported.length).toBeGreaterThan(500)
  expect(doubled(exported.filter(([name, file]) => !isPublished(name, file)))).toEqual([])
})
