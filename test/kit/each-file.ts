import { aroundEach } from 'vitest'
import { asItself } from './after-test.ts'

aroundEach((runTest, test) => asItself(test, runTest))
