/** A forward action as a service of the shop records it: the identifiers that an undo needs, never images. */
export interface ShopAction {
  readonly correlationId: string
  readonly system: string
  /** Name of the action in the system's contract. */
  readonly action: string
  /** Follows from what was done, so that recording it again after a crash records it once. */
  readonly actionId: string
  readonly resource: string
  readonly data: Readonly<Record<string, string | number>>
  /** Action that caused this one, when another system did it. */
  readonly causationId?: string
}

/** The shop's seam to Unwind. A client of `@unwind/client` is one. */
export interface Recorder {
  /** Resolves when the action is recorded durably. */
  record(action: ShopAction): Promise<unknown>
  /** Asks that everything under the correlation ID be rolled back. */
  propose(request: {
    readonly correlationId: string
    readonly reason: string
  }): Promise<{ readonly rollbackId: string }>
}
