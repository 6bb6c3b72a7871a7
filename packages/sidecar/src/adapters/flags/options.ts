import { duration } from '@unwind/contracts'
import { z } from 'zod'
import { httpProbeSchema } from '../http/options.js'
import { compileJson, compileTemplate, TemplateError } from '../http/template.js'

function compiled<T>(compile: (value: never) => T) {
  return (value: unknown, context: z.RefinementCtx): T => {
    try {
      return compile(value as never)
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      context.addIssue({ code: 'custom', message: error.message })
      return z.NEVER
    }
  }
}

const text = z.string().min(1)
const template = text.transform(compiled(compileTemplate))
const json = z.unknown().transform(compiled(compileJson))
/** A key of the provider's, as it stands in a path or a file. */
const key = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]{0,255}$/, 'expected a key of letters, digits, ".", "_" and "-"')
/** Connection, credentials, limits: the same keys as the http adapter's section, without `kind`. */
const connection = z.record(z.string(), z.unknown())

const common = {
  kind: z.literal('flags'),
  /** Evaluates flags by the OpenFeature Remote Evaluation Protocol; must not be the store that is written. */
  ofrep: connection,
  /** What health probes between stages ask. */
  monitor: connection.optional(),
}

/** The `adapter` section of a contract of kind "flags". */
export const flagsAdapterSchema = z.discriminatedUnion('provider', [
  z.strictObject({
    ...common,
    provider: z.literal('flagd'),
    /** Absolute path of the flag definitions, JSON or YAML. */
    file: z.string().regex(/^\//, 'expected an absolute path such as "/etc/flagd/flags.json"'),
    /** Folder for the states that were found before the first write. Default: ".unwind" beside the file. */
    archive: z.string().regex(/^\//, 'expected an absolute path').optional(),
  }),
  z.strictObject({
    ...common,
    provider: z.literal('unleash'),
    api: connection,
    project: key.default('default'),
    environment: key,
  }),
  z.strictObject({
    ...common,
    provider: z.literal('launchdarkly'),
    api: connection,
    project: key,
    environment: key,
  }),
])

export const stagingSchema = z.strictObject({
  /** Per cent of people who still get the feature, falling; after the last one the flag is as it was before the action. */
  stages: z
    .array(z.int().min(0).max(99))
    .min(1)
    .refine(
      stages => stages.every((stage, i) => i === 0 || stage < stages[i - 1]!),
      'expected falling percentages',
    ),
  /** How long each stage rests before the next. */
  bake: duration,
  /** The variant that the feature is: its name (flagd) or index (LaunchDarkly). */
  variant: z.union([text, z.int().min(0)]).optional(),
  /** The variant that everybody else gets. */
  otherwise: z.union([text, z.int().min(0)]).optional(),
  /** Asked while a stage rests, at `monitor`; when it does not agree, the step stops where it is. */
  health: httpProbeSchema.extend({ every: duration.prefault('10s') }).optional(),
})

/** How one action is undone. */
export const flagsUndoSchema = z.strictObject({
  /** Key of the flag. */
  flag: template.prefault('{flag}'),
  /** State before the action, by field: to this the flag is restored. */
  previous: json.prefault('{before}'),
  /** State that the action left, by field: anything else is newer (I6). */
  left: json.prefault('{after}'),
  staging: stagingSchema.optional(),
})

const expected = z
  .strictObject({
    /** Who the flag is evaluated for. */
    context: json,
    value: json.optional(),
    variant: template.optional(),
    /** An error that counts as restored, e.g. "FLAG_NOT_FOUND". */
    errorCode: z
      .string()
      .regex(/^[A-Z_]+$/, 'expected an error code such as "FLAG_NOT_FOUND"')
      .optional(),
  })
  .refine(
    one => one.value !== undefined || one.variant !== undefined || one.errorCode !== undefined,
    'name the value, the variant or the errorCode that is expected',
  )

/** How one action is read back: by evaluating the flag as an application does. */
export const flagsProbeSchema = z.strictObject({
  contexts: z
    .array(expected)
    .min(1, 'name at least one context: without an evaluation nothing proves the undo')
    .max(50),
  /** Evaluate again until all agree or this time is over: flags reach their evaluators late. */
  within: duration.prefault('10s'),
})

export type FlagsAdapterOptions = z.infer<typeof flagsAdapterSchema>
export type FlagsUndo = z.infer<typeof flagsUndoSchema>
export type FlagsProbe = z.infer<typeof flagsProbeSchema>
export type Staging = z.infer<typeof stagingSchema>
export type HealthProbe = NonNullable<Staging['health']>
