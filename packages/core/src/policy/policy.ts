import { duration } from '@unwind/contracts'
import { z } from 'zod'
import { personSchema } from './people.js'
import { DISTINCT } from './quorum.js'
import { whenSchema } from './when.js'

const globs = z.array(z.string().min(1))

const ruleName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, 'expected a lower-case name such as "payments-by-two"')

/** One scope, and what goes for the plans in it. Of several rules that apply, each is heard. */
export const ruleSchema = z
  .strictObject({
    name: ruleName,
    when: whenSchema.prefault({}),
    /** Only they may propose such a plan: "role:operator", "team:payments", "service:*". */
    propose: globs.min(1).optional(),
    /** What such a plan needs besides what the others ask for. */
    approve: z
      .strictObject({
        required: z.int().min(1).default(1),
        approvers: globs.min(1).default(['role:approver']),
        /** What no two approvers may share. */
        distinct: z.enum(DISTINCT).default('person'),
        validFor: duration.optional(),
      })
      .optional(),
    /** A playbook: such a plan does not need what `preApproved` asks for. What other rules demand stays. */
    preApproved: z.boolean().default(false),
    /** Such a plan never runs, and this is why. */
    refuse: z.string().min(1).optional(),
  })
  .refine(
    rule => rule.propose ?? rule.approve ?? rule.refuse ?? (rule.preApproved || undefined),
    'says nothing: give it propose, approve, preApproved or refuse',
  )

/** `policy.yaml`: which plans may run at once, which need people, and which never run. Durations become milliseconds. */
export const policySchema = z.strictObject({
  apiVersion: z.literal('unwind/v1').default('unwind/v1'),
  kind: z.literal('Policy').default('Policy'),
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,62}$/, 'expected a lower-case name such as "default"')
    .default('default'),
  version: z
    .string()
    .regex(/^\d+\.\d+\.\d+$/, 'expected a version such as "1.0.0"')
    .default('1.0.0'),
  /** Plans wait for every system's fence before the first undo. */
  barrier: z.boolean().default(false),
  /** A plan that meets all of these runs without asking a person. */
  preApproved: z
    .strictObject({
      /** At most so many steps. 0: every plan needs a person. */
      maxSteps: z.int().min(0).default(20),
      /** Plans that name actions which cannot be undone. */
      irreversible: z.boolean().default(false),
      /** Principals that may propose, "*" for any characters: "user:*", "service:*". */
      proposers: globs.default(['*']),
    })
    .prefault({}),
  /** What every other plan needs. */
  approval: z
    .strictObject({
      /** Distinct approvers, the proposer not among them. */
      required: z.int().min(1).default(1),
      /** "role:approver" for everyone with that role, or principals such as "user:ana" and "user:*". */
      approvers: globs.min(1).default(['role:approver']),
      /** How long an approval covers its plan. */
      validFor: duration.prefault('1h'),
      /** What no two approvers may share. */
      distinct: z.enum(DISTINCT).default('person'),
    })
    .prefault({}),
  /** Rollbacks of a part. Each proposal may also say that it accepts what it leaves. */
  partial: z
    .strictObject({
      /**
       * Actions that build on what is undone and stay. "ask": the proposal must accept them. "allow": it need not.
       * "refuse": such a plan never runs.
       */
      dependants: z.enum(['ask', 'allow', 'refuse']).default('ask'),
    })
    .prefault({}),
  /** Two rollbacks that touch the same resources: the later one waits, or is refused. */
  claims: z
    .strictObject({
      overlap: z.enum(['wait', 'refuse']).default('wait'),
      /** "<system> <resource>", "*" for any characters: what many may undo at once, such as a balance that is declared `delta`. */
      shared: globs.default([]),
    })
    .prefault({}),
  refused: z
    .strictObject({
      /** Principals whose proposals are refused at once. */
      proposers: globs.default([]),
      /** Plans of more steps are refused; split them by scope. Absent: no limit. */
      moreSteps: z.int().min(1).optional(),
    })
    .prefault({}),
  /** Where this coordinator works, for `when.environments`. */
  environment: z.string().default(''),
  /** Class → systems, or "system/action", that hold such data; "*" for any characters. */
  dataClasses: z.record(ruleName, globs.min(1)).default({}),
  rules: z.array(ruleSchema).default([]),
  people: z.array(personSchema).default([]),
  /** One person decides alone, at once; others are paged and review it. */
  breakGlass: z
    .strictObject({
      /** Who may. Nobody unless it is said. */
      who: globs.default([]),
      /** The decision counts for so long. */
      validFor: duration.prefault('15m'),
      /** The reason has at least so many characters. */
      reasonAtLeast: z.int().min(1).default(20),
    })
    .prefault({}),
  /** What a caller may do whom the API knows by an identity provider; approving is governed by the rules besides. */
  permissions: z
    .strictObject({
      read: globs.default(['*']),
      propose: globs.default(['role:proposer', 'role:operator', 'role:client']),
      operate: globs.default(['role:operator']),
      approve: globs.default(['role:approver']),
      acknowledge: globs.default(['role:operator', 'role:approver']),
    })
    .prefault({}),
})

export type Policy = z.infer<typeof policySchema>

/** Safe but usable: small reversible plans run at once, everything else needs one approver who is not the proposer. */
export function defaultPolicy(): Policy {
  return policySchema.parse({})
}

/** The principal in whose name a policy approves: "policy:default". */
export function policyPrincipal(policy: Policy): string {
  return `policy:${policy.name}`
}

/** What `RollbackRequested.policy` says: "default 1.0.0". */
export function policyLabel(policy: Policy): string {
  return `${policy.name} ${policy.version}`
}
