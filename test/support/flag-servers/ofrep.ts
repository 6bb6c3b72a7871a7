import { readFileSync } from 'node:fs'
import { FlagdCore } from '@openfeature/flagd-core'
import type { Call, Reply } from './json-server.js'
import { JsonServer } from './json-server.js'

interface Evaluated {
  readonly value: unknown
  readonly variant?: string
}

/** @returns undefined when there is no such flag. */
export type Evaluator = (flag: string, context: { readonly targetingKey?: string }) => Evaluated | undefined

/** Evaluates one flag at a time by the OpenFeature Remote Evaluation Protocol, with whatever evaluator stands behind it. */
export class OfrepServer extends JsonServer {
  static async start(evaluator: Evaluator): Promise<OfrepServer> {
    const server = new OfrepServer(evaluator)
    await server.listen()
    return server
  }

  private constructor(private readonly evaluator: Evaluator) {
    super()
  }

  protected serve({ method, path, body }: Call): Reply {
    const key = /^\/ofrep\/v1\/evaluate\/flags\/(.+)$/.exec(path)?.[1]
    if (method !== 'POST' || key === undefined) return { status: 404 }
    const { context } = body as { context?: { targetingKey?: string } }
    if (context?.targetingKey === undefined)
      return {
        status: 400,
        body: { key, errorCode: 'TARGETING_KEY_MISSING', errorDetails: 'no targetingKey' },
      }
    const evaluated = this.evaluator(key, context)
    if (evaluated === undefined) return { status: 404, body: { key, errorCode: 'FLAG_NOT_FOUND' } }
    return { status: 200, body: { key, reason: 'STATIC', metadata: {}, ...evaluated } }
  }
}

/** flagd's own evaluation of a file, read anew each time, as if its watch were immediate. Boolean flags. */
export function flagdEvaluator(file: string): Evaluator {
  const core = new FlagdCore()
  return (flag, context) => {
    core.setConfigurations(readFileSync(file, 'utf8'))
    if (!core.getFlag(flag)) return undefined
    const { value, variant } = core.resolveBooleanEvaluation(flag, false, { ...context })
    return { value, ...(variant !== undefined && { variant }) }
  }
}
