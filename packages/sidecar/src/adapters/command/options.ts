import { duration, FAILURE_CODES, type FailureCode } from '@unwind/contracts'
import { z } from 'zod'
import { byteSize, compiled, type Expectation, expectation, secret } from '../http/options.js'
import { compileTemplate } from '../http/template.js'
import { compileArgument } from './argument.js'

const text = z.string().min(1)
const plain = text.regex(/^[^\0\r\n]*$/, 'must not hold NUL or line breaks')

const absolutePath = plain
  .regex(/^\//, 'expected an absolute path such as "/opt/ledger/bin/ledger": nothing is looked up in PATH')
  .refine(
    path => !/(^|\/)\.{1,2}(\/|$)|\/\/|.\/$/.test(path),
    'expected a path without ".", "..", "//" and a "/" at its end',
  )

/** Set by the adapter, from the step; a contract cannot give them another meaning. */
const RESERVED_VARIABLE = /^(UNWIND_|TRACEPARENT$)/
const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of a variable')
  .refine(name => !RESERVED_VARIABLE.test(name), 'the adapter sets this variable itself')
  .refine(
    name =>
      !/^(LD_|DYLD_|BASH_ENV$|ENV$|SHELLOPTS$|BASHOPTS$|NODE_OPTIONS$|PYTHON(PATH|STARTUP)$|PERL5?(LIB|OPT)$|IFS$)/.test(
        name,
      ),
    'this variable makes a program load or run other code; it is never passed',
  )

const environment = z.strictObject({
  /** Names that are passed on from the sidecar's own environment. Everything else of it is withheld. */
  pass: z.array(variableName).default([]),
  /** Fixed values. */
  set: z.record(variableName, plain).default({}),
  /** Values that must not show: they are cut out of everything that the program says. */
  secrets: z.record(variableName, secret).default({}),
})

const limits = {
  environment: environment.prefault({}),
  /** Working directory. */
  directory: absolutePath.default('/'),
  /** What is kept of each output stream of a call. */
  maxOutput: byteSize.prefault('64KB'),
  /** From SIGTERM to SIGKILL, when a call takes longer than its action's `timeout`. */
  killAfter: duration.prefault('2s'),
  /** Calls at work at once. Legacy programs seldom bear more than one. */
  concurrency: z.int().min(1).max(32).default(1),
}

/** The `adapter` section of a contract of kind "command". */
export const commandAdapterSchema = z.strictObject({ kind: z.literal('command'), ...limits })
/** That of kind "snapshot": the same, because its work is done by commands. */
export const snapshotAdapterSchema = z.strictObject({ kind: z.literal('snapshot'), ...limits })

/** A program and what it is given: the contract's own words, then "--", then what the action recorded, each with its type. */
const commandShape = {
  run: absolutePath,
  /** Written by the contract's owner, so they may be options and verbs. */
  words: z.array(plain).default([]),
  /** Stand behind "--". */
  arguments: z.array(z.unknown().transform(compiled(compileArgument))).default([]),
}

/** What the end of an undo means. */
export const UNDO_MEANINGS = ['done', 'already-done'] as const
/** What the end of a probe means: "read": its output is compared with `expect`. */
export const PROBE_MEANINGS = ['read', 'restored', 'open'] as const
const failureCodes = Object.keys(FAILURE_CODES).filter(
  code => !['poison', 'unauthorised', 'absent'].includes(code),
) as FailureCode[]

function exitsTo<const M extends string>(meanings: readonly M[]) {
  const words = [...meanings, ...failureCodes] as (M | FailureCode)[]
  return z
    .record(
      z.string().regex(/^(\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])$/, 'expected an exit status from 0 to 255'),
      z.enum(words as [M | FailureCode, ...(M | FailureCode)[]]),
    )
    .transform(map => new Map(Object.entries(map).map(([status, means]) => [Number(status), means] as const)))
}

export const commandSchema = z.strictObject(commandShape)

/** How one action is undone. */
export const commandUndoSchema = z.strictObject({
  ...commandShape,
  /** What an exit status means; one that is not listed leaves the outcome open ("unknown"). */
  exits: exitsTo(UNDO_MEANINGS).prefault({ '0': 'done' }),
  /** What the probe prints while the state is as the action left it. Anything else means newer data: a conflict (I6). */
  expect: expectation.default([]),
})

/** How one action is read back. It must change nothing. */
export const commandProbeSchema = z.strictObject({
  ...commandShape,
  exits: exitsTo(PROBE_MEANINGS).prefault({ '0': 'read' }),
  /** JSON pointers into what the probe prints, and the values there once the state is restored. */
  expect: expectation.default([]),
  /** Run again until it agrees or this time is over, for systems whose reads lag behind. */
  within: duration.prefault('0ms'),
})

/** How an action is undone by restoring a snapshot. */
export const snapshotUndoSchema = z.strictObject({
  /** Name of the snapshot that was taken before the action, usually a field of the action: "{snapshot}". */
  snapshot: text.transform(compiled(compileTemplate)),
  /** Takes a snapshot of the present state under the name in $UNWIND_SNAPSHOT, before it is overwritten. */
  create: commandSchema,
  /** Restores the snapshot whose name is in $UNWIND_SNAPSHOT. */
  restore: commandSchema.extend({ exits: exitsTo(UNDO_MEANINGS).prefault({ '0': 'done' }) }),
  /** What the probe prints while nobody has written since the action: the guard against losing newer data (I6). */
  expect: expectation.default([]),
})

export type CommandAdapterOptions =
  | z.infer<typeof commandAdapterSchema>
  | z.infer<typeof snapshotAdapterSchema>
export type CommandSpec = z.infer<typeof commandSchema>
export type CommandUndo = z.infer<typeof commandUndoSchema>
export type CommandProbe = z.infer<typeof commandProbeSchema>
export type { Expectation }
export type UndoMeaning = (typeof UNDO_MEANINGS)[number] | FailureCode
export type ProbeMeaning = (typeof PROBE_MEANINGS)[number] | FailureCode
