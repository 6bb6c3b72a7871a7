/** Something that this machine lacks. The message says what, and how to get it; callers print it without a stack trace. */
export class MissingPrerequisite extends Error {
  override readonly name = 'MissingPrerequisite'
  constructor(
    readonly missing: string,
    readonly remedy: string,
  ) {
    super(`${missing}\n  ${remedy}`)
  }
}

/** A server did not start or did not answer in time. The message ends with the tail of its log. */
export class StartFailed extends Error {
  override readonly name = 'StartFailed'
  constructor(
    what: string,
    readonly logTail: string,
  ) {
    super(logTail === '' ? what : `${what}; the end of its log:\n${indent(logTail)}`)
  }

  /** Another process took the port between our choosing it and the server's binding it: worth another port. */
  get portTaken(): boolean {
    return /address already in use|BindException|could not bind|Failed to bind|Port already bound/i.test(
      this.logTail,
    )
  }
}

/** Another living process runs a stack of this name in this state folder. */
export class NameTaken extends Error {
  override readonly name = 'NameTaken'
  constructor(stack: string, pid: number) {
    super(
      `a local stack named "${stack}" is already running (process ${pid}): use it, stop it, or take another name`,
    )
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function indent(text: string): string {
  return text.replace(/^/gm, '  | ')
}
