import { chmodSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Fault, Heal } from '@unwind/sidecar/conformance'

const POLL_MS = 10

/**
 * A program that stands in the place of another one, as a sidecar sees it, and fails as it is told. Everything that it has to
 * know lies in its folder, so that it works for sidecars of any process.
 */
export class FaultyProgram {
  readonly path: string

  /** @param verb the only call that fails: its first argument. Others reach the program as they are. */
  constructor(
    private readonly folder: string,
    program: string,
    verb: string,
  ) {
    this.path = join(folder, 'program')
    const text = `#!/bin/sh
here='${folder}'
fault=none
[ "$1" != '${verb}' ] || { [ ! -e "$here/fault" ] || fault=$(cat "$here/fault"); }
case $fault in
refuse) echo 'not now' >&2; exit 75 ;;
"refuse-item $3") echo "not $3, now" >&2; exit 75 ;;
hang) : > "$here/caught"; while [ -e "$here/fault" ]; do sleep 0.02; done ;;
cut-before-effect) rm "$here/fault"; kill -9 $$ ;;
cut-after-effect) rm "$here/fault"; '${program}' "$@"; kill -9 $$ ;;
lie) echo 'of course' >&2; exit 0 ;;
esac
exec '${program}' "$@"
`
    writeFileSync(this.path, text)
    chmodSync(this.path, 0o755)
  }

  async inject(fault: Fault): Promise<Heal> {
    const file = join(this.folder, 'fault')
    rmSync(join(this.folder, 'caught'), { force: true })
    // Under another name first: a program that starts meanwhile reads all of it, or nothing.
    writeFileSync(`${file}.new`, fault.kind === 'refuse-item' ? `refuse-item ${fault.subject}` : fault.kind)
    renameSync(`${file}.new`, file)
    const heal = async () => rmSync(file, { force: true })
    return fault.kind === 'hang' ? Object.assign(heal, { caught: this.#caught() }) : heal
  }

  async #caught(): Promise<void> {
    while (!existsSync(join(this.folder, 'caught')) && existsSync(this.path))
      await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
}
