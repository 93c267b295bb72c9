import type { Check } from './conformance-check.ts'
import { asFarAsTold } from './subject.ts'
import { all, broken, KEPT, untold } from './verdict.ts'

/** A node waits, is promoted, and is demoted, each of it twice. */
export const ROLE_CHECKS: readonly Check[] = [
  {
    title: 'stand_by has it run, and take no writes',
    async run(ctx, subject) {
      if (!subject.application.canStandBy) return untold('there is no stand_by')
      return all(
        () => subject.does(ctx, 'stand-by'),
        async () => asFarAsTold(await subject.doesNotLead(ctx)),
        () => subject.does(ctx, 'stand-by'),
        async () => asFarAsTold(await subject.doesNotLead(ctx)),
      )
    },
  },
  {
    title: 'ready_to_lead agrees when nobody has led before',
    async run(ctx, subject) {
      if (!subject.application.asksReadiness) return untold('there is no ready_to_lead')
      return subject.does(ctx, 'ready')
    },
  },
  {
    title: 'ensure_master succeeds, and health agrees at once',
    async run(ctx, subject) {
      return all(
        () => subject.does(ctx, 'ensure-master'),
        async () => {
          const { healthy, message } = await subject.health(ctx, 'master')
          return healthy ? KEPT : broken(message)
        },
      )
    },
  },
  { title: 'it is master then', run: (ctx, subject) => subject.leads(ctx) },
  {
    title: 'ensure_master again changes nothing',
    async run(ctx, subject) {
      return all(
        () => subject.does(ctx, 'ensure-master'),
        async () => asFarAsTold(await subject.leads(ctx)),
      )
    },
  },
  { title: 'demote succeeds', run: (ctx, subject) => subject.does(ctx, 'demote') },
  { title: 'it is no master then', run: (ctx, subject) => subject.doesNotLead(ctx) },
  {
    title: 'demote again succeeds',
    async run(ctx, subject) {
      return all(
        () => subject.does(ctx, 'demote'),
        async () => asFarAsTold(await subject.doesNotLead(ctx)),
      )
    },
  },
]
