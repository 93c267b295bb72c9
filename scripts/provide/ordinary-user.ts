import { execute } from './execute.ts'

/** PostgreSQL refuses to run as root: the words that make it, and its leader agent, somebody else. */
export async function asOrdinaryUser(): Promise<{ words: string[]; uid: number; gid: number }> {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0]
  if (uid !== 0) return { words: [], uid, gid }
  const number = async (flag: string) => Number(await execute('id', [flag, 'nobody']))
  const [otherUid, otherGid] = [await number('-u'), await number('-g')]
  const words = ['setpriv', `--reuid=${otherUid}`, `--regid=${otherGid}`, '--clear-groups']
  return { words, uid: otherUid, gid: otherGid }
}
