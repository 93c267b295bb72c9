import { expect, test } from 'vitest'
import { Complaint } from '../../../src/base/complaint.ts'

test('a complaint is told when it begins, when it is another one, and again after its end', () => {
  const said: string[] = []
  const complaint = new Complaint()
  const tell = (sentence: string) => complaint.tell(sentence, (text) => void said.push(text))
  for (const sentence of ['no leader', 'no leader', 'no right', 'no leader']) tell(sentence)
  expect(said).toEqual(['no leader', 'no right', 'no leader'])
  complaint.end()
  tell('no leader')
  expect(said).toEqual(['no leader', 'no right', 'no leader', 'no leader'])
})
