import { describe, expect, test } from 'vitest'
import { ALL_INSPECTIONS, inspectionsFor } from '../../../src/doctor/inspection-list.ts'

describe('the checks', () => {
  const codes = ALL_INSPECTIONS.map(({ code }) => code)

  test('have a code of their own each, with three digits, and need what is there', () => {
    expect(new Set(codes).size).toBe(codes.length)
    expect(codes.filter((code) => !/^CL\d{3}$/.test(code))).toEqual([])
    expect(ALL_INSPECTIONS.flatMap(({ needs }) => needs).filter((need) => !codes.includes(need))).toEqual([])
  })

  test('are those that there is something to look at for', () => {
    const plain = { isSecure: false, hasLock: false, hasSlots: false, hasFile: false }
    const topics = (extent: typeof plain) => [...new Set(inspectionsFor(extent).map(({ topic }) => topic))]
    expect(topics(plain)).toEqual(['Consul', 'This node', 'Rights', 'This machine'])
    expect(topics({ isSecure: true, hasLock: true, hasSlots: true, hasFile: true })).toEqual([
      'Consul',
      'TLS',
      'This node',
      'Rights',
      'This machine',
      'The lock',
      'The file',
    ])
    expect(inspectionsFor({ ...plain, hasLock: true }).map(({ code }) => code)).not.toContain('CL606')
  })
})
