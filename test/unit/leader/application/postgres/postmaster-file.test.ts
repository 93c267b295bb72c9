import { expect, test } from 'vitest'
import { parsePostmasterFile } from '../../../../../src/leader/application/postgres/postmaster-file.ts'

const file = (...lines: (string | number)[]) => `${lines.join('\n')}\n`

test('a server says where it is: by its socket, or by its first address', () => {
  const running = file(812, '/var/lib/postgresql/15/main', 1764380000, 5432, '/var/run/postgresql', '*', '5432001 7')
  expect(parsePostmasterFile(running)).toEqual({ pid: 812, port: 5432, host: '/var/run/postgresql' })
  const noSocket = file(812, '/data', 1764380000, 5433, '', '127.0.0.5', '5432001 7', 'ready   ')
  expect(parsePostmasterFile(noSocket)).toEqual({ pid: 812, port: 5433, host: '127.0.0.5' })
  expect(parsePostmasterFile(file(812, '/data', 1, 5433, '', '*'))?.host).toBe('127.0.0.1')
  expect(parsePostmasterFile(file(812, '/data', 1, 5433, '', '::'))?.host).toBe('::1')
})

test('one that has just begun says less', () => {
  expect(parsePostmasterFile(file(812, '/data', 1764380000))).toMatchObject({ pid: 812, port: 0 })
  expect(parsePostmasterFile('812')).toMatchObject({ pid: 812, port: 0 })
})

test.each(['', '\n', '0\n/data\n', '1\n/data\n', '-5\n', 'x\n', '812x\n', '99999999999\n'])('%j names none', (text) => {
  expect(parsePostmasterFile(text)).toBeUndefined()
})
