import { z } from 'zod'

const names = z.array(z.string().min(1)).default([])
const person = z.strictObject({
  principal: z.string().regex(/^[a-z][a-z0-9-]*:\S+$/, 'expected "<kind>:<name>", e.g. "user:ana"'),
  roles: names,
  teams: names,
})
const step = z.strictObject({
  system: z.string().min(1),
  actions: z.array(z.string().min(1)).min(1),
})

/** What a case expects of the policy. */
const expected = z.strictObject({
  decision: z.enum(['pre-approved', 'needs-approval', 'refused']).optional(),
  /** What is missing when those in `approvals` have approved: the names of rules; "approval" is the policy's own. */
  missing: z.array(z.string().min(1)).optional(),
  /** Text that is somewhere in the reasons. */
  because: z.string().min(1).optional(),
  allowed: z.boolean().optional(),
})

const plan = z.strictObject({
  steps: z.array(step).default([]),
  irreversible: z.array(z.strictObject({ system: z.string(), action: z.string() })).default([]),
})

/** Cases of one policy. A case is about a plan, or about what a caller may do. */
export const casesSchema = z.strictObject({
  apiVersion: z.literal('unwind/v1').default('unwind/v1'),
  kind: z.literal('PolicyTest').default('PolicyTest'),
  /** Relative to this file. */
  policy: z.string().min(1),
  cases: z
    .array(
      z
        .strictObject({
          name: z.string().min(1),
          principal: person,
          action: z
            .enum(['request', 'break-glass', 'read', 'propose', 'operate', 'approve', 'acknowledge'])
            .default('request'),
          resource: plan.prefault({}),
          incidentClass: z.string().optional(),
          at: z.iso.datetime({ offset: true }).optional(),
          approvals: z.array(person).default([]),
          expect: expected,
        })
        .refine(
          one => (one.action === 'request') === (one.expect.allowed === undefined),
          'expect.allowed goes with every action but "request", and decision, missing and because with that one',
        ),
    )
    .min(1),
})

export type PolicyCase = z.output<typeof casesSchema>['cases'][number]
