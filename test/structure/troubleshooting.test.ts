import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ALL_INSPECTIONS } from '../../src/doctor/inspection-list.ts'

const TEXT = readFileSync(join(import.meta.dirname, '../../docs/troubleshooting.md'), 'utf8')

describe('docs/troubleshooting.md', () => {
  const sections = [...TEXT.matchAll(/^### (CL\d+): (.+)\n\n(?=\S)/gm)].map(([, code, title]) => `${code}: ${title}`)

  test('has a section for every code, with its title, in the order in which they are shown in their topics', () => {
    const codes = ALL_INSPECTIONS.map(({ code, title }) => `${code}: ${title}`)
    expect(sections.toSorted()).toEqual(codes.toSorted())
    expect(sections).toEqual(sections.toSorted())
  })

  test('has every topic', () => {
    const topics = [...TEXT.matchAll(/^## (.+)$/gm)].map(([, topic]) => topic)
    expect(topics).toEqual(expect.arrayContaining([...new Set(ALL_INSPECTIONS.map(({ topic }) => topic))]))
  })
})
