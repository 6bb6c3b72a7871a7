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

/** What the adapter sets itself, from the step. */
const RESERVED_HEADER = /^(ce_.*|content-type|traceparent|unwind-.*)$/i

const text = z.string().min(1)
const template = text.transform(compiled(compileTemplate))
const json = z.unknown().transform(compiled(compileJson))
/** Fixed text: recorded data must not choose where something is written. */
const topic = z
  .string()
  .regex(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/, 'expected the name of a topic, without placeholders')
const brokers = z.unknown().transform((value, context): readonly string[] => {
  const list = typeof value === 'string' ? value.split(',').map(each => each.trim()) : value
  const refuse = (path: (string | number)[], got: unknown) => {
    const message = `expected "host:port" (a list, or one text with commas), got ${JSON.stringify(got)}`
    context.addIssue({ code: 'custom', path, message })
    return z.NEVER
  }
  if (!Array.isArray(list) || list.length === 0) return refuse([], value)
  const wrong = list.findIndex(each => typeof each !== 'string' || !/^\S+:\d{1,5}$/.test(each))
  if (wrong < 0) return list as string[]
  return typeof value === 'string' ? refuse([], value) : refuse([wrong], list[wrong])
})

/** The `adapter` section of a contract of kind "kafka": the cluster on which the system's own topics lie. */
export const kafkaAdapterSchema = z.strictObject({
  kind: z.literal('kafka'),
  brokers,
  ssl: z
    .union([
      z.boolean(),
      z.strictObject({ caFile: text.optional(), certFile: text.optional(), keyFile: text.optional() }),
    ])
    .default(false),
  sasl: z
    .strictObject({
      mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
      username: text,
      password: text,
    })
    .optional(),
  /**
   * Topic on which instances of this sidecar claim a step before they send, so that two that run at once send one record.
   * Absent: only the freshness of the read-back stands between them.
   */
  claims: topic.optional(),
  /** A claim that its holder did not use passes to another instance after this. */
  lease: duration.prefault('10s'),
  /** One request to a broker. */
  timeout: duration.prefault('10s'),
  /** How long a probe waits for a record whose send had an unknown outcome to show. */
  within: duration.prefault('5s'),
  /** How far clocks of hosts and brokers may differ: reading back begins this much before the step's first start. */
  clockSkew: duration.prefault('10s'),
  /** How long the topics keep a record at least. A step first tried longer ago is not sent again: its record may be gone (I2). */
  retention: duration.prefault('24h'),
})

/** How one action is undone. */
export const kafkaUndoSchema = z
  .strictObject({
    topic,
    /** Also decides the partition, by the hash that every Kafka client uses by default. */
    key: template,
    /** JSON with placeholders. Null, or a lone placeholder that is null, is a tombstone. */
    value: json.optional(),
    /** json: as JSON text; text: the value's own text, which may be JSON; base64: the bytes that it stands for. */
    encoding: z.enum(['json', 'text', 'base64']).default('json'),
    headers: z
      .record(
        text.refine(name => !RESERVED_HEADER.test(name), 'the adapter sets this header itself'),
        template,
      )
      .default({}),
    /** CloudEvents type of the reversing record. Default: "<action>.reversed". */
    type: text.optional(),
    /**
     * For topics that keep the newest record of a key: where the record that the action wrote lies, and a moment (epoch ms) at
     * or before which it was written. `value` is then what stood there before, and a newer record of the key is a conflict.
     */
    replaces: z
      .strictObject({
        partition: template,
        offset: template,
        at: template,
        /** What the action wrote, where the record itself may be compacted away: for the difference, and for merge. */
        value: json.optional(),
      })
      .optional(),
  })
  .refine(undo => undo.value !== undefined, 'value is missing; null is a tombstone')

export type KafkaAdapterOptions = z.infer<typeof kafkaAdapterSchema>
export type KafkaUndo = z.infer<typeof kafkaUndoSchema>
