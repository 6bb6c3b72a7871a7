import type { FieldDifference, Json } from '@unwind/contracts'
import { judgeRead } from '../http/classify.js'
import type { HttpClient } from '../http/client.js'
import { sameJson } from '../http/pointer.js'
import { type FlagFailure, failed } from './failure.js'
import type { Evaluation, Item } from './item.js'
import { difference } from './state.js'

/** What applications get of one flag, as the evaluator tells it. */
export interface Evaluated {
  readonly kind: 'evaluated'
  readonly answers: readonly Answer[]
  /** What is not as it should be once the flag is restored. */
  readonly differences: readonly FieldDifference[]
}

interface Answer {
  readonly value: Json
  readonly variant: string | null
  readonly errorCode: string | null
}

/**
 * Evaluates a flag in every declared context by the OpenFeature Remote Evaluation Protocol: what counts is what people get,
 * and it is not read from the store that was written (I3). Changes nothing.
 */
export async function evaluate(
  client: HttpClient,
  item: Item,
  signal: AbortSignal,
  now: () => number,
): Promise<Evaluated | FlagFailure> {
  const answers: Answer[] = []
  for (const evaluation of item.evaluations) {
    const answer = await evaluateOnce(client, item, evaluation, signal, now)
    if ('kind' in answer) return answer
    answers.push(answer)
  }
  const wrong = item.evaluations.flatMap((evaluation, i) => differencesOf(item, i, evaluation, answers[i]!))
  return { kind: 'evaluated', answers, differences: wrong }
}

async function evaluateOnce(
  client: HttpClient,
  { flag, action }: Item,
  { context }: Evaluation,
  signal: AbortSignal,
  now: () => number,
): Promise<Answer | FlagFailure> {
  const path = `/ofrep/v1/evaluate/flags/${encodeURIComponent(flag)}`
  const what = `POST ${path}`
  const answer = await client.send(
    {
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ context }),
      timeoutMs: action.timeoutMs,
    },
    signal,
  )
  // By the protocol, 400 and 404 are answers too: they say which error an application gets.
  const isAnswer = answer.kind === 'answer' && [200, 400, 404].includes(answer.status)
  if (!isAnswer) return judgeRead(answer, what, now())
  const document = parse(answer.body)
  if (answer.status === 200 && document !== null && 'value' in document)
    return {
      value: document.value ?? null,
      variant: typeof document.variant === 'string' ? document.variant : null,
      errorCode: null,
    }
  if (answer.status !== 200 && typeof document?.errorCode === 'string')
    return { value: null, variant: null, errorCode: document.errorCode }
  return failed(
    'contract',
    `${what} answered ${answer.status} with what is no evaluation`,
    'See that adapter.ofrep.baseUrl leads to an evaluator that speaks OFREP.',
  )
}

function differencesOf(
  { flag }: Item,
  index: number,
  expected: Evaluation,
  answer: Answer,
): FieldDifference[] {
  const item = `${flag} in context ${index + 1}`
  const found: FieldDifference[] = []
  const compare = (field: 'value' | 'variant' | 'errorCode', wanted: Json | undefined) => {
    if (wanted !== undefined && !sameJson(wanted, answer[field]))
      found.push(difference(item, field, { before: wanted, current: answer[field] }))
  }
  compare('value', expected.value)
  compare('variant', expected.variant)
  compare('errorCode', expected.errorCode)
  // An error where a value was expected explains why there is none.
  if (found.length > 0 && expected.errorCode === undefined && answer.errorCode !== null)
    found.push(difference(item, 'errorCode', { current: answer.errorCode }))
  return found
}

function parse(body: string | null): Readonly<Record<string, Json>> | null {
  try {
    const document: unknown = JSON.parse(body ?? '')
    return typeof document === 'object' && document !== null ? (document as Record<string, Json>) : null
  } catch {
    return null
  }
}
