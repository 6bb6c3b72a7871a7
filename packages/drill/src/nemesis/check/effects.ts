/** What a target's own tables say of one order. */
export interface Effects {
  /** How often its undo had its effect. */
  readonly count: number
  /** What is left of the forward action; null: nothing. */
  readonly left: string | null
}
