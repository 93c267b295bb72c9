import type { Story } from './story.ts'
import { CI, PROJECT } from './world.ts'

export const INSTALL: Story = {
  slow: true,
  consul: 'none',
  programs: { ip: 'iproute2' },
  world: `ip addr add 10.0.0.1/32 dev lo
    ln -s '${PROJECT}/dist' .; umount /usr/local/bin/consul-locker
    mkdir -p /etc/consul-locker /etc/systemd/system; cp '${PROJECT}'/packaging/systemd/* /etc/systemd/system`,
  pastes: {
    'consul agent -server': {
      serves: /Synced node info/,
      // A server that is told to end doesn't leave its cluster.
      code: 1,
      stays: true,
      after: 'until consul operator raft list-peers | grep -q leader; do sleep 0.2; done',
    },
  },
  elsewhere: {
    sha256sum: 'test/slow/release/tarball.test.ts',
    'tar --extract': 'test/slow/release/tarball.test.ts',
    'install -m 755 consul-locker-': 'test/slow/release/tarball.test.ts',
    'dpkg --': 'test/slow/release/deb-story.ts',
  },
  never: {
    'npm ci': CI,
    'consul agent -data-dir': 'it is for a second machine: two agents on one want the same ports',
    'rpm --': 'Debian has no packages that rpm knows of; test/slow/release/rpm.test.ts has a root of its own for it',
  },
}
