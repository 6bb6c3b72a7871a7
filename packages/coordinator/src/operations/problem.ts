/** Why a request is not done, in the form of RFC 9457, with what to do next. */
export class Problem extends Error {
  override readonly name: string = 'Problem'
  constructor(
    readonly status: number,
    /** Names the kind of problem: "urn:unwind:problem:<slug>". */
    readonly slug: string,
    readonly title: string,
    readonly detail: string,
    readonly hint: string,
    readonly errors?: readonly { readonly key: string; readonly message: string }[],
  ) {
    super(detail)
  }
}

/** A refusal that whoever watches over the system wants to hear of: somebody tried what they had no right to. */
export class SecurityProblem extends Problem {
  constructor(
    /** Kind of security event, a short word. */
    readonly event: string,
    ...rest: ConstructorParameters<typeof Problem>
  ) {
    super(...rest)
  }
}

export const noSuchRollback = (rollbackId: string) =>
  new Problem(
    404,
    'no-such-rollback',
    'There is no such rollback',
    `nothing in the ledger names rollback ${rollbackId}`,
    'list them with GET /v1/rollbacks; one that was proposed this instant is there a moment later',
  )

export const doesNotFit = (detail: string, hint: string) =>
  new Problem(409, 'does-not-fit', 'It does not fit where the rollback stands', detail, hint)
