import type { Log } from '../../src/base/log.ts'

/** Hears nothing. */
export const SILENT: Log = { debugging: false, mark() {}, debug() {}, notice() {}, warn() {}, error() {} }
