import { expect, test } from 'vitest'
import { end, Library } from '../kit/library-of-readers.ts'
import { LOCKER, piped, runLocker, startLocker } from '../kit/locker.ts'
import { runs } from '../kit/processes.ts'

test('readers run beside one another, and keep a writer out until the last has gone', async () => {
  const library = new Library()
  const readers = [library.reader(), library.reader(), library.reader()]
  for (const reader of readers) await reader.prints(/in/)
  expect(await runLocker(['--no-wait', library.name, 'echo', 'ran'])).toMatchObject({ code: 1, stdout: '' })
  const writer = library.writer()
  await writer.says(/waiting for .*: held by .*, and by 2 more/)
  for (const reader of readers) {
    expect(writer.stdout).toBe('')
    await end(reader)
  }
  await writer.prints(/in/)
  await end(writer)
  await library.leavesNothing()
})

test('a writer keeps readers out, and they come in together', async () => {
  const library = new Library()
  const writer = library.writer()
  await writer.prints(/in/)
  expect(await runLocker(['--no-wait', '-s', library.name, 'echo', 'ran'])).toMatchObject({ code: 1, stdout: '' })
  const readers = [library.reader(), library.reader()]
  for (const reader of readers) await reader.says(/waiting for/)
  await end(writer)
  for (const reader of readers) await reader.prints(/in/)
  for (const reader of readers) await end(reader)
  await library.leavesNothing()
})

test('a reader that comes after a waiting writer waits behind him, with and without patience', async () => {
  const library = new Library()
  const first = library.reader()
  await first.prints(/in/)
  const writer = library.writer()
  await writer.says(/waiting for/)
  const late = library.reader()
  await late.says(/2nd in line/)
  expect(await runLocker(['--no-wait', '--shared', library.name, 'echo', 'ran'])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('others stand in line for it'),
  })
  await end(first)
  await writer.prints(/in/)
  expect(late.stdout).toBe('')
  await end(writer)
  await late.prints(/in/)
  await end(late)
  await library.leavesNothing()
})

test('a reader that is killed is followed by a writer as soon as its command has ended', async () => {
  const library = new Library()
  const deaf = 'trap "" TERM; echo "pid $$."; while :; do sleep 0.1; done'
  const reader = startLocker(['--kill-after', '500ms', '--shared', library.name, 'sh', '-c', deaf])
  const [, child] = await reader.prints(/^pid (\d+)\.$/m)
  const writer = library.writer()
  await writer.says(/waiting for/)
  reader.kill('SIGKILL')
  await writer.prints(/in/)
  expect(runs(Number(child))).toBe(false)
  await end(writer)
  await library.leavesNothing()
})

test('readers have verify and fenced put', async () => {
  const library = new Library()
  const data = `data/${library.name}`
  const script = '"$0" verify && "$0" fenced put "$1" "$CONSUL_LOCKER_FENCE"'
  const ran = await runLocker(['--shared', library.name, 'sh', '-c', script, LOCKER, data])
  expect(ran).toMatchObject({ code: 0, stderr: '' })
  expect(Number(await library.consul.value(data))).toBeGreaterThan(0)
  await library.consul.deleteKey(data)
  await library.leavesNothing()
})

test('a reader inside a reader runs, and a writer inside one is refused', async () => {
  const library = new Library()
  const { name } = library
  expect(await runLocker(['-s', name, LOCKER, '-s', name, 'echo', 'ran'])).toMatchObject({ code: 0, stdout: 'ran\n' })
  for (const [outer, inner] of [
    [['-s'], []],
    [[], ['-s']],
  ] as const) {
    const nested = await runLocker([...outer, name, LOCKER, ...inner, name, 'echo', 'ran'])
    expect(nested).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('around this one') })
  }
  await library.leavesNothing()
})

test('readers and slots of one name refuse each other', async () => {
  const library = new Library()
  const reader = library.reader()
  await reader.prints(/in/)
  expect(await runLocker(['--slots', '2', library.name, 'echo', 'ran'])).toMatchObject({ code: 2, stdout: '' })
  await end(reader)
  const holder = startLocker(['--slots', '2', library.name, 'sh', '-c', 'echo in; exec cat'], piped)
  await holder.prints(/in/)
  expect(await runLocker(['--shared', library.name, 'echo', 'ran'])).toMatchObject({ code: 2, stdout: '' })
  await end(holder)
  await library.leavesNothing()
})
