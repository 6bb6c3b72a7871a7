import { duration } from '@unwind/contracts'
import { z } from 'zod'
import { byteSize, compiled, httpAdapterSchema } from '../http/options.js'
import { compileJson, compileTemplate } from '../http/template.js'
import { FORMATS } from './format/index.js'

const text = z.string().min(1)
const template = text.transform(compiled(compileTemplate))

const pattern = text.transform((source, context) => {
  try {
    return new RegExp(source, 'iu')
  } catch (error) {
    context.addIssue({ code: 'custom', message: `is not a regular expression: ${(error as Error).message}` })
    return z.NEVER
  }
})

const common = {
  /** Keys whose values never reach the ledger: only that they differ. */
  hide: z
    .array(pattern)
    .prefault(['pass(word|wd)|secret|token|api[_-]?key|private[_-]?key|credential'])
    .describe('regular expressions, upper and lower case alike'),
}

/** The `adapter` section of a contract of kind "config" whose documents are files. */
export const filesSchema = z.strictObject({
  kind: z.literal('config'),
  store: z.literal('files'),
  /** Every path of the contract lies below it. */
  root: text.regex(/^\//, 'expected an absolute path'),
  /** Folder of the adapter's records, below the root. */
  state: text
    .regex(/^[\w.-]+$/, 'expected the name of a folder')
    .refine(name => name !== '.' && name !== '..', 'expected the name of a folder')
    .default('.unwind'),
  /** Longest file. */
  maxFile: byteSize.prefault('1MB'),
  /** How long effect records are kept: longer than any rollback can be asked for again. */
  retention: duration.prefault('90d'),
  ...common,
})

/** That of one whose documents are resources of an HTTP service: the connection's options are those of kind "http". */
export const serviceSchema = httpAdapterSchema.extend({
  kind: z.literal('config'),
  store: z.literal('http'),
  ...common,
})

/** Content of a version: where it lies, or the values themselves. A field of the action that is null or empty: there was none. */
const version = z.union(
  [
    z.strictObject({ at: template }),
    /** Usually one field of the action: an object of values by key, or its JSON text; null for a key that was not there. */
    z.strictObject({ values: z.unknown().transform(compiled(compileJson)) }),
  ],
  'expected { at: "path of the version" } or { values: "{field}" }',
)

export const configUndoSchema = z.strictObject({
  /** What was changed: a file below the root, or a path below baseUrl. */
  at: template,
  /** By default the file's extension says it; documents of a service are JSON. */
  format: z.enum(FORMATS).optional(),
  /** Needed for format "configMap". */
  configMap: z.strictObject({ name: template, namespace: template.optional() }).optional(),
  /** Before the action: what is restored. */
  previous: version,
  /** After the action: what tells newer changes from the action's own (I6). */
  left: version,
  /** Only for a service: how a document is written. */
  write: z
    .strictObject({
      method: z.enum(['PUT', 'POST', 'PATCH']).default('PUT'),
      /** By default the path that is read. */
      at: template.optional(),
      /** "{unwind.document}" is the document; by default it is the whole body. */
      body: z.unknown().transform(compiled(compileJson)).optional(),
      /** Without a precondition, a change between read and write is overwritten; it must be said. */
      ifMatch: z.enum(['etag', 'none']).default('etag'),
    })
    .optional(),
  /** Only for a service: where in an answer the document stands, a JSON pointer. */
  document: z.string().default(''),
})

export type FilesOptions = z.infer<typeof filesSchema>
export type ServiceOptions = z.infer<typeof serviceSchema>
export type ConfigUndo = z.infer<typeof configUndoSchema>
export type Version = ConfigUndo['previous']
