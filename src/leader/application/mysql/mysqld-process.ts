import { readlinkSync, realpathSync } from 'node:fs'
import { basename } from 'node:path'
import { type OwnProcess, workingIn } from '../own-process.ts'

const PROGRAMS = ['mariadbd', 'mysqld']

/** The processes of the server of a data directory: a server works in it, whatever a pid file says. */
export function serversOf(data: string): OwnProcess[] {
  return workingIn(real(data)).filter(({ pid }) => PROGRAMS.includes(programOf(pid)))
}

function real(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

function programOf(pid: number): string {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, ''))
  } catch {
    return ''
  }
}
