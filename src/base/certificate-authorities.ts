/** The certificates of the authorities that this machine trusts, and those that came with Node; PEM. */
export async function knownAuthorities(): Promise<string[]> {
  const { getCACertificates } = await import('node:tls')
  return [...getCACertificates('default'), ...getCACertificates('system')]
}
