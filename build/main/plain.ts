import { loadLater } from './load-later.ts'

// This script runs at every start of an executable without a start-up snapshot. The application begins its work when it
// has been loaded.
declare function loadApplication(): void

Object.assign(globalThis, { loadLater })
loadApplication()
