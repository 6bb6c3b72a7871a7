/** The coordinator answered with a problem (RFC 9457). */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  constructor(
    readonly status: number,
    /** URI reference that names the kind of problem; "about:blank" when there is none. */
    readonly type: string,
    readonly title: string,
    readonly detail: string | null,
    /** What to do next. */
    readonly hint: string | null,
  ) {
    super(detail ? `${title}: ${detail}` : title)
  }
}

/** No answer from the coordinator: it may be down, or somewhere else. Whether a request was done is not known. */
export class ApiUnreachable extends Error {
  override readonly name = 'ApiUnreachable'
  constructor(
    readonly url: string,
    cause: unknown,
  ) {
    super(`the coordinator at ${url} does not answer (${causeText(cause)})`, { cause })
  }
}

/** Reads a failed response; a body that is no problem document still gives a readable error. */
export async function problemOf(response: Response): Promise<ApiProblem> {
  const text = await response.text().catch(() => '')
  const body = objectOf(text)
  const say = (key: string): string | null => (typeof body?.[key] === 'string' ? (body[key] as string) : null)
  return new ApiProblem(
    response.status,
    say('type') ?? 'about:blank',
    say('title') ?? `HTTP ${response.status}${response.statusText ? ` ${response.statusText}` : ''}`,
    say('detail') ?? (body ? null : text.slice(0, 500) || null),
    say('hint'),
  )
}

function objectOf(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

/** `fetch` hides the reason in nested causes. */
function causeText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  if (error.name === 'TimeoutError') return 'no answer in time'
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  if (code) return code
  return cause instanceof Error ? cause.message : error.message
}
