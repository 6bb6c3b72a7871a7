import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Edit, editsOf, type Mutant } from './mutant.js'

const PACKAGES = ['contracts', 'core', 'runtime', 'sidecar', 'coordinator', 'drill'] as const

/** A copy of the built packages in a temporary folder: bugs are planted there, and the working tree is never touched. */
export class Workspace {
  readonly #root = mkdtempSync(join(tmpdir(), 'unwind-mutants-'))

  /** @param packages the folder that holds the packages. */
  constructor(packages: string) {
    for (const name of PACKAGES) {
      const from = join(packages, name)
      const to = join(this.#root, name)
      cpSync(join(from, 'dist'), join(to, 'dist'), { recursive: true })
      cpSync(join(from, 'package.json'), join(to, 'package.json'))
      this.#link(from, to)
    }
  }

  /** What ours need of others is taken from where it is; what they need of each other, from the copies. */
  #link(from: string, to: string): void {
    const modules = join(to, 'node_modules')
    mkdirSync(join(modules, '@unwind'), { recursive: true })
    for (const name of PACKAGES) symlinkSync(join(this.#root, name), join(modules, '@unwind', name))
    for (const entry of readdirSync(join(from, 'node_modules'))) {
      if (entry.startsWith('.') || entry === '@unwind') continue
      symlinkSync(join(from, 'node_modules', entry), join(modules, entry))
    }
  }

  get simulator(): string {
    return join(this.#root, 'drill', 'dist', 'simulation', 'main.js')
  }

  /** @returns takes the bug out again. @throws Error when the code is no longer what the bug was made for. */
  plant(mutant: Mutant): () => void {
    const takeOut: (() => void)[] = []
    for (const edit of editsOf(mutant)) takeOut.unshift(this.#change(mutant.name, edit))
    return () => {
      for (const undo of takeOut) undo()
    }
  }

  #change(name: string, { file, search, replacement }: Edit): () => void {
    const path = join(this.#root, file)
    const text = readFileSync(path, 'utf8')
    const times = text.split(search).length - 1
    if (times !== 1)
      throw new Error(
        `mutant "${name}": ${JSON.stringify(search)} occurs ${times} times in packages/${file}, not once`,
      )
    writeFileSync(
      path,
      text.replace(search, () => replacement),
    )
    return () => writeFileSync(path, text)
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true })
  }
}
