/** Where the files of a package lie: as Debian and Fedora have them, or in one folder to be unpacked anywhere. */
export type Layout = 'deb' | 'rpm' | 'tar'

/** Files of the packages. */
export interface Item {
  /** A pattern of paths in the project; those in `made/` are made for the release. It may match nothing. */
  readonly from: string
  /** The folder that they go to, with their paths below the pattern's; without a slash at the end, a file's name. */
  readonly to: Readonly<Partial<Record<Layout, string>>>
  /** Packages of a distribution have them compressed. */
  readonly gzip?: true
}

const both = (path: string) => ({ deb: path, rpm: path })
const doc = (folder = '') => ({ ...both(`usr/share/doc/consul-locker/${folder}`), tar: folder })

/** All that is delivered, but for what a format wants of its own: a new kind of file needs a line here, and no more. */
export const PAYLOAD: readonly Item[] = [
  { from: 'made/consul-locker', to: { ...both('usr/bin/'), tar: '' } },
  { from: 'packaging/systemd/*', to: { ...both('usr/lib/systemd/system/'), tar: 'systemd/' } },
  { from: 'made/man/*.1', to: { ...both('usr/share/man/man1/'), tar: 'man/' }, gzip: true },
  {
    from: 'made/completions/consul-locker.bash',
    to: { ...both('usr/share/bash-completion/completions/consul-locker'), tar: 'completions/' },
  },
  {
    from: 'made/completions/_consul-locker',
    to: { deb: 'usr/share/zsh/vendor-completions/', rpm: 'usr/share/zsh/site-functions/', tar: 'completions/' },
  },
  {
    from: 'made/completions/consul-locker.fish',
    to: { ...both('usr/share/fish/vendor_completions.d/'), tar: 'completions/' },
  },
  { from: 'README.md', to: doc() },
  { from: 'SECURITY.md', to: doc() },
  { from: 'docs/**', to: doc('docs/') },
  { from: 'examples/**', to: doc('examples/') },
  { from: 'made/third-party-licences.txt', to: doc() },
  { from: 'made/sbom.cdx.json', to: doc() },
  // Debian has it as a file of another form.
  { from: 'LICENSE', to: { rpm: 'usr/share/licenses/consul-locker/', tar: '' } },
  { from: 'CHANGELOG.md', to: { deb: 'usr/share/doc/consul-locker/changelog' }, gzip: true },
  { from: 'CHANGELOG.md', to: { rpm: 'usr/share/doc/consul-locker/', tar: '' } },
]
