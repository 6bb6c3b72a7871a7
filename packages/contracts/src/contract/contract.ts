import { z } from 'zod'
import { duration } from './duration.js'

const name = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,62}$/,
    'expected a lower-case name such as "orders" (letters, digits, dashes; at most 63)',
  )

/** How an attempt is repeated. Only failures with disposition "retry" are. */
export const retryPolicy = z.strictObject({
  /** Attempts in all, the first included. */
  attempts: z.int().min(1).max(1000).default(5),
  initial: duration.prefault('200ms'),
  max: duration.prefault('30s'),
})

/** keep: leave newer data, say so · force: restore, overwriting newer data · merge: restore only the fields that are still ours · park: wait for a person. */
export const conflictPolicy = z.enum(['keep', 'force', 'merge', 'park'])

export const actionContract = z.strictObject({
  description: z.string().optional(),
  reversibility: z.enum(['reversible', 'compensatable', 'irreversible']).default('reversible'),
  /** How the adapter undoes it; each adapter has its own shape, checked by that adapter. */
  undo: z.unknown().optional(),
  /** How the adapter reads it back: a read that is not the undo itself. */
  probe: z.unknown().optional(),
  onConflict: conflictPolicy.default('park'),
  /** Fields of the recorded data that name one business effect: two actions with the same values are a duplicate. */
  businessKey: z.array(z.string().min(1)).min(1).optional(),
  retry: retryPolicy.prefault({}),
  /** One call to the target. */
  timeout: duration.prefault('5s'),
})

export const contractSchema = z.strictObject({
  apiVersion: z.literal('unwind/v1'),
  kind: z.literal('Contract'),
  system: name,
  version: z.string().regex(/^\d+\.\d+\.\d+$/, 'expected a version such as "1.0.0"'),
  owner: z.strictObject({
    team: z.string().min(1),
    contact: z.string().min(1),
    /** Who is called besides those whom the coordinator's ladder names, by which of its channels, how long after the alarm. */
    onCall: z
      .array(z.strictObject({ who: z.string().min(1), channel: name, after: duration.prefault('0s') }))
      .optional(),
  }),
  /** What a successful rollback of this system means, in words that its owner signs. */
  success: z.string().min(1),
  /** Systems that act before this one going forward, so they are undone after it. */
  dependsOn: z.array(name).default([]),
  /** Steps of systems with the same group name succeed or park together. */
  tandem: name.optional(),
  bypass: z.enum(['never', 'allowed']).default('never'),
  /** A gate that must open before this system's step starts. */
  gate: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('human') }),
      z.strictObject({ kind: z.literal('bake'), for: duration }),
    ])
    .optional(),
  /** From ready to settled; then the watcher escalates. */
  deadline: duration.prefault('60s'),
  /** Which adapter, and how it reaches the target; the rest of the shape is the adapter's. */
  adapter: z.looseObject({ kind: name }),
  actions: z
    .record(z.string().min(1), actionContract)
    .refine(a => Object.keys(a).length > 0, 'expected at least one action'),
})

export type Contract = z.infer<typeof contractSchema>
export type ActionContract = z.infer<typeof actionContract>
export type RetryPolicy = z.infer<typeof retryPolicy>
export type ConflictPolicy = z.infer<typeof conflictPolicy>
