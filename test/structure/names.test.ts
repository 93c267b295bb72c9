import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { expect, test } from 'vitest'

const SOURCES = globSync('src/**/*.{ts,tsx}').sort()
const TESTS = globSync('test/**/*.ts').sort()
const TOOLS = globSync(['{scripts,build}/**/*.ts', 'build.mjs']).sort()

/** Each command's folder has these, and the folder says whose they are; each folder of scripts has one of its name. */
const FIXED = /^src\/cli\/commands\/[^/]+\/(?:command|syntax|view)\.ts$|^scripts\/([^/]+)\/\1\.ts$/

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

/** All that these files export, and where. */
function exportsOf(files: readonly string[]) {
  return files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(EXPORTED)].map(([, name = '']) => [name, file] as const),
  )
}

test('no two files of src, scripts and build are called the same', () => {
  expect(SOURCES.length).toBeGreaterThan(100)
  expect(TOOLS.length).toBeGreaterThan(100)
  const others = [...SOURCES, ...TOOLS].filter((file) => !FIXED.test(file))
  expect(doubled(others.map((file) => [basename(file), file]))).toEqual([])
})

test('no two files of src export the same name: one noun means one thing', () => {
  const exported = exportsOf(SOURCES)
  expect(exported.length).toBeGreaterThan(500)
  expect(doubled(exported.filter(([name, file]) => !isPublished(name, file)))).toEqual([])
})

test('nor do two of scripts and build', () => {
  const exported = exportsOf(TOOLS)
  expect(exported.length).toBeGreaterThan(200)
  expect(doubled(exported)).toEqual([])
})

test('nor do two of the files that tests share; only what a suite starts before its tests is each suite’s own', () => {
  const shared = exportsOf(TESTS.filter((file) => !file.endsWith('.test.ts')))
  const started = TESTS.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/^export let (\w+)/gm)].map(([, name = '']) => `${file} ${name}`),
  )
  expect(shared.length).toBeGreaterThan(300)
  expect(doubled(shared.filter(([name, file]) => !started.includes(`${file} ${name}`)))).toEqual([])
})
