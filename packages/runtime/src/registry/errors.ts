/** The registry cannot be asked now. What it would have said is not known: wait, and call no record poison for it. */
export class RegistryUnavailable extends Error {
  override readonly name = 'RegistryUnavailable'
}

/** A schema cannot be registered. The message names file, field and why. */
export class SchemaRefused extends Error {
  override readonly name = 'SchemaRefused'
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

/** Events cannot be encoded, because their schemas are not in the registry. */
export class SchemasMissing extends Error {
  override readonly name = 'SchemasMissing'
}
