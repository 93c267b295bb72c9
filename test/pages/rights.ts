import type { Story } from './story.ts'
import { file, PROJECT, pasted } from './world.ts'

const ACLS = pasted('docs/rights.md', 'sh', 'scripts/consul dev').trim()

export const RIGHTS: Story = {
  consul: 'none',
  world: `mkdir scripts; printf '#!/bin/sh\\nexec "%s/scripts/consul" "$@"\\n' '${PROJECT}' >scripts/consul
    chmod 755 scripts/consul; ${file('backup-lock.hcl', pasted('docs/rights.md', 'hcl'))}
    ${ACLS} >started 2>&1 & echo $! >acls.pid
    until grep -q http started; do sleep 0.1; done`,
  pastes: {
    'consul acl token create': { prints: /^SecretID: /m },
    'scripts/consul dev': { before: 'kill $(cat acls.pid)', serves: /http/, after: 'consul acl token list' },
  },
}
