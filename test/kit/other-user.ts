import { spawn } from 'node:child_process'
import { Running } from './locker.ts'

/** Another user of this machine; the tests themselves run as root. */
export const STRANGER = { uid: 65534, gid: 65534 }

/** Another user's process, which answers at abstract sockets of these names; it doesn't outlive its test. */
export async function squat(names: readonly string[], answer: string): Promise<void> {
  const script = `
    const [answer, ...names] = process.argv.slice(1)
    for (const name of names) {
      const server = require('node:net').createServer((connection) => connection.on('error', () => {}).end(answer))
      server.listen('\\0' + name, () => console.log('squats ' + name + '.'))
    }`
  const squatter = new Running(
    spawn(process.execPath, ['--eval', script, answer, ...names], { ...STRANGER, stdio: 'pipe' }),
  )
  for (const name of names) await squatter.prints(new RegExp(`squats ${name}[.]`))
}

/**
 * Another user's process that has in its environment, and behind its name, every word that it may read of those whose
 * command line or environment has a text in it, and of what these have started. It tells of signals, and heeds none.
 */
export async function carry(text: string): Promise<Running> {
  const script = `
    const fs = require('node:fs')
    const [text] = process.argv.slice(1)
    const read = (pid, file) => { try { return fs.readFileSync('/proc/' + pid + '/' + file, 'latin1') } catch { return '' } }
    const seen = fs.readdirSync('/proc').filter((pid) => /^[0-9]+$/.test(pid) && pid !== String(process.pid))
      .map((pid) => read(pid, 'cmdline') + '\\0' + read(pid, 'environ'))
      .filter((words) => words.includes(text) || words.includes('consul-locker'))
    const words = [...new Set(seen.flatMap((words) => words.split('\\0')))]
    const entries = words.filter((word) => /^[A-Za-z_][A-Za-z_0-9]*=/.test(word))
    const env = Object.fromEntries(entries.map((entry) => [entry.split('=', 1)[0], entry.slice(entry.indexOf('=') + 1)]))
    const lives = 'trap "echo signalled" TERM HUP INT CONT; echo carries; while :; do sleep 0.1; done'
    process.execve('/bin/sh', ['sh', '-c', lives, ...words], { PATH: '/usr/bin:/bin', ...env })`
  const carrier = new Running(spawn(process.execPath, ['--eval', script, text], { ...STRANGER, stdio: 'pipe' }))
  await carrier.prints(/carries/)
  return carrier
}
