import { duration } from '@unwind/contracts'
import { z } from 'zod'
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

const url = z.string().superRefine((value, context) => {
  // The value may hold a password, so it is not repeated in the message.
  if (URL.canParse(value) && /^rediss?:$/.test(new URL(value).protocol)) return
  context.addIssue({ code: 'custom', message: 'expected a redis:// or rediss:// URL' })
})

/** The `adapter` section of a contract of kind "redis". */
export const redisAdapterSchema = z.strictObject({
  kind: z.literal('redis'),
  /** The primary, or any node of a cluster. */
  url,
  /** Probes read there instead. Absent: at the primary, over a connection of their own. */
  replica: url.optional(),
  cluster: z.boolean().default(false),
  /** Before Unwind's own keys; the client's capture is given the same. */
  prefix: z
    .string()
    .regex(/^[a-z][a-z0-9:_-]{0,40}$/, 'expected a lower-case prefix such as "unwind"')
    .default('unwind'),
  /** Where before- and after-images come from: "captured" by the client's capture, inside Redis; "data" of the recorded action. */
  images: z.enum(['captured', 'data']).default('captured'),
  /** expose: a late captured write goes through and is said; reject: it fails. Only where images are captured. */
  fence: z.enum(['expose', 'reject']).default('expose'),
  /** How long effect records and fences are kept. A step first tried longer ago than this is not tried again (I2). */
  retention: duration.prefault('30d'),
  /** Keys of one step at most. Redis serves nobody else while a script runs, and a key takes it about 20 µs. */
  maxKeys: z.int().min(1).max(200_000).default(20_000),
  /** One call. */
  timeout: duration.prefault('5s'),
  /** Read again until it agrees or this time is over, where probes read at a replica. */
  within: duration.prefault('2s'),
})

const glob = text.describe('"*" stands for any text, "?" for one character')
const place = { key: glob.default('*'), field: glob.default('*') }

/** Numbers whose changes commute: undone by the inverse difference. A bound that the undo would break is a conflict. */
const deltaRule = z.strictObject({ ...place, min: z.number().optional(), max: z.number().optional() })
/** Restored where it is still ours, but never a conflict. The field "(ttl)" is the time to live. */
const ignoreRule = z.strictObject(place)

const rules = {
  delta: z.array(deltaRule).default([]),
  ignore: z.array(ignoreRule).default([]),
}

/** `undo` of an action whose images are captured. */
export const capturedUndoSchema = z.strictObject(rules).prefault({})

/** `undo` of an action whose recorded data holds the images. */
export const dataUndoSchema = z
  .strictObject({
    ...rules,
    /** What the action changed, a list of items or a placeholder that holds one: checked by `itemSchema` once it is filled in. */
    items: json.optional(),
    /** Reversing entries: what is added to streams. */
    append: z.array(z.strictObject({ stream: template, fields: z.record(text, template) })).default([]),
  })
  .refine(undo => undo.items !== undefined || undo.append.length > 0, 'expected items, append or both')

const scalar = z.union([z.string(), z.number()]).transform(String)
const optional = scalar.nullable().default(null)
const fields = z.record(z.string(), scalar.nullable())
const members = z.array(scalar).nullable().default(null)
const key = z.string().min(1)
const ttl = z
  .strictObject({ before: scalar.nullable(), after: scalar.nullable() })
  .describe('epoch ms of expiry')
  .optional()

/** One key that an action changed, with what its fields were before and after; null: not there. */
export const itemSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('string'), key, before: optional, after: optional, expireAt: ttl }),
  z.strictObject({
    type: z.literal('hash'),
    key,
    before: fields.nullable().default(null),
    after: fields.nullable().default(null),
    /** Amounts that the action added to numeric fields; the undo takes them off again. */
    added: z.record(z.string(), scalar).default({}),
    expireAt: ttl,
  }),
  z.strictObject({ type: z.literal('set'), key, before: members, after: members, expireAt: ttl }),
  z.strictObject({
    type: z.literal('sorted-set'),
    key,
    before: fields.nullable().default(null),
    after: fields.nullable().default(null),
    added: z.record(z.string(), scalar).default({}),
    expireAt: ttl,
  }),
  z.strictObject({ type: z.literal('list'), key, before: members, after: members, expireAt: ttl }),
])

export type RedisAdapterOptions = z.infer<typeof redisAdapterSchema>
export type CapturedUndo = z.infer<typeof capturedUndoSchema>
export type DataUndo = z.infer<typeof dataUndoSchema>
export type RecordedItem = z.infer<typeof itemSchema>
