import { Failure, reasonOf } from './failure.ts'
import { type HostPort, hostPortText } from './host-port.ts'

/** The `local` failure of what can't listen there; `ifTaken` is the hint where somebody else does. */
export function cantListen(where: HostPort, thrown: unknown, ifTaken: string): Failure {
  return new Failure('local', `can't listen at ${hostPortText(where)}: ${reasonOf(thrown)}`, {
    hint: hintOn((thrown as NodeJS.ErrnoException).code, ifTaken),
    cause: thrown,
  })
}

function hintOn(code: string | undefined, ifTaken: string): string {
  if (code === 'EADDRINUSE') return ifTaken
  return code === 'EACCES' ? 'the lowest ports are for root' : 'is that one of this machine?'
}
