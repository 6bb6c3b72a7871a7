import type { StepWork } from '../../adapter/port.js'
import { renderText, type Scope } from '../http/template.js'
import { digestOf, Effects } from './effects.js'
import { formatOf } from './format/index.js'
import { contractFailure, renderOrNull } from './load.js'
import type { FilesOptions, Version } from './options.js'
import type { Change, ConfigFailure, Item, Loaded, Store, Written } from './store.js'
import type { ConfigAction } from './target.js'
import { FileTree, PathRefused } from './tree.js'

/** Configuration in files below one folder. Effect and record are one rename. */
export class FilesStore implements Store {
  readonly atomicEffect = true
  #open: { readonly tree: FileTree; readonly effects: Effects } | null = null

  constructor(
    private readonly options: FilesOptions,
    private readonly failpoint: (name: string) => Promise<void>,
  ) {}

  async start(): Promise<string | null> {
    const { root, state, maxFile, retention } = this.options
    try {
      const tree = await FileTree.open(root, state, maxFile)
      const effects = new Effects(tree, this.failpoint)
      await effects.start(retention, Date.now())
      this.#open = { tree, effects }
      return null
    } catch (error) {
      if (error instanceof PathRefused) return `adapter.root: ${error.message}`
      const { code } = error as NodeJS.ErrnoException
      return `adapter.root: records cannot be kept below ${root} (${code}). Give the user of the sidecar the right to write there.`
    }
  }

  nameOf({ undo }: ConfigAction, scope: Scope) {
    const file = renderText(undo.at, scope)
    const map = undo.configMap && {
      name: renderText(undo.configMap.name, scope),
      namespace: undo.configMap.namespace ? renderText(undo.configMap.namespace, scope) : null,
    }
    const format = formatOf(undo.format, file, map ?? null)
    return {
      id: map ? `${file}#${map.namespace === null ? '' : `${map.namespace}/`}${map.name}` : file,
      format,
    }
  }

  async read(item: Item): Promise<{ text: string | null; tag: null }> {
    return { text: await this.#tree.read(fileOf(item)), tag: null }
  }

  async version(
    { action, scope }: Change,
    which: 'previous' | 'left',
  ): Promise<{ text: string | null } | ConfigFailure> {
    const path = renderOrNull((action.undo[which] as Extract<Version, { at: unknown }>).at, scope)
    if (path === null) return { text: null }
    const text = await this.#tree.read(path)
    // Not "there was none": that is recorded, as null. A version that has gone must not delete what is live.
    return text === null
      ? contractFailure(
          `version ${path} (undo.${which}) does not exist below ${this.#tree.root}; nothing was changed`,
          'Bring the version back, or resolve the step by hand.',
        )
      : { text }
  }

  happened(key: string): Promise<boolean> {
    return this.#effects.happened(key)
  }

  conclude(key: string, { item, current }: Loaded): Promise<void> {
    return this.#effects.conclude(key, fileOf(item), digestOf(current))
  }

  async write(
    key: string,
    { item, current }: Loaded,
    text: string | null,
    _work: StepWork,
  ): Promise<Written> {
    const result = await this.#effects.restore(key, fileOf(item), digestOf(current), text)
    return result.kind === 'changed' ? result : { ...result, note: null }
  }

  howOf(item: Item): string {
    return `read ${item.id}`
  }

  async stop(): Promise<void> {
    this.#open = null
  }

  get #tree(): FileTree {
    return this.#started.tree
  }

  get #effects(): Effects {
    return this.#started.effects
  }

  get #started() {
    if (!this.#open) throw new Error('the config adapter was used before start() or after stop()')
    return this.#open
  }
}

function fileOf({ changes }: Item): string {
  const { action, scope } = changes[0]!
  return renderText(action.undo.at, scope)
}
