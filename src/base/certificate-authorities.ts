/**
 * The certificates of the authorities that this machine trusts, and those that came with Node; PEM. `undefined` for
 * what Node trusts by itself: before 22.15 it doesn't tell, and doesn't know the machine's.
 */
export async function knownAuthorities(): Promise<string[] | undefined> {
  const { getCACertificates }: { getCACertificates?: (type: 'default' | 'system') => string[] } = await import(
    'node:tls'
  )
  return getCACertificates && [...getCACertificates('default'), ...getCACertificates('system')]
}
