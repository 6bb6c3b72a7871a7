import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, realpath, rename } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'

/** A path that leaves the tree, or that is no ordinary file. Nothing was read or written. */
export class PathRefused extends Error {
  override readonly name = 'PathRefused'
}

/** The files below one folder, and nothing outside of it, whatever a recorded path says. */
export class FileTree {
  private constructor(
    readonly root: string,
    /** Folder of the adapter's own records, below the root, so that renaming from it is one step of one file system. */
    readonly state: string,
    private readonly maxBytes: number,
  ) {}

  /** @throws PathRefused when the root is no folder, or its state would lie on another file system. */
  static async open(root: string, stateName: string, maxBytes: number): Promise<FileTree> {
    const real = await realpath(root).catch((error: NodeJS.ErrnoException) => {
      throw new PathRefused(`${root} cannot be reached (${error.code})`)
    })
    const folder = await lstat(real)
    if (!folder.isDirectory()) throw new PathRefused(`${root} is not a folder`)
    const state = join(real, stateName)
    await mkdir(state, { mode: 0o700 }).catch(ignoreExisting)
    const own = await lstat(state)
    if (!own.isDirectory()) throw new PathRefused(`${state} is not a folder`)
    if (own.dev !== folder.dev) throw new PathRefused(`${state} lies on another file system than ${root}`)
    return new FileTree(real, state, maxBytes)
  }

  /**
   * Where a recorded path leads.
   * @throws PathRefused for absolute paths, "..", links and the adapter's own records.
   */
  async locate(path: string): Promise<string> {
    const parts = path.split('/')
    if (
      path.includes('\0') ||
      path.includes('\\') ||
      parts.some(part => part === '' || part === '.' || part === '..')
    )
      throw new PathRefused(`${JSON.stringify(path)} is not a path below the root`)
    if (join(this.root, parts[0]!) === this.state)
      throw new PathRefused(`${JSON.stringify(path)} is a record of the adapter itself`)
    let at = this.root
    for (const [i, part] of parts.entries()) {
      at = join(at, part)
      const entry = await lstat(at).catch(missing)
      if (entry === null) break
      const isLast = i === parts.length - 1
      // A link may lead out of the tree, today or tomorrow.
      if (isLast ? !entry.isFile() : !entry.isDirectory())
        throw new PathRefused(
          `${JSON.stringify(path)}: ${relative(this.root, at)} is ${entry.isSymbolicLink() ? 'a symbolic link' : `not a ${isLast ? 'file' : 'folder'}`}`,
        )
    }
    return join(this.root, ...parts)
  }

  /**
   * @returns the content; null: there is no such file.
   * @throws PathRefused also for a file that is longer than the limit, or not UTF-8.
   */
  async read(path: string): Promise<string | null> {
    const file = await this.locate(path)
    let handle: FileHandle
    try {
      handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') return null
      if (code === 'ELOOP') throw new PathRefused(`${JSON.stringify(path)} is a symbolic link`)
      throw error
    }
    try {
      const { size } = await handle.stat()
      if (size > this.maxBytes)
        throw new PathRefused(`${JSON.stringify(path)} is longer than ${this.maxBytes} bytes`)
      // A folder on the way may have become a link since it was looked at.
      const real = await realpath(dirname(file))
      if (real !== this.root && !real.startsWith(this.root + sep))
        throw new PathRefused(`${JSON.stringify(path)} leads out of the root`)
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await handle.readFile())
    } catch (error) {
      if (error instanceof TypeError) throw new PathRefused(`${JSON.stringify(path)} is not UTF-8 text`)
      throw error
    } finally {
      await handle.close()
    }
  }
}

/** Writes a file that nobody else has, with its content on disk when this returns. */
export async function writeDurably(
  file: string,
  content: string,
  like: { readonly mode: number; readonly uid: number; readonly gid: number } | null = null,
): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.writeFile(content)
    if (like) {
      // Readers of the configuration are to be able to read it after as before.
      const own = await handle.stat()
      if (own.uid !== like.uid || own.gid !== like.gid) await handle.chown(like.uid, like.gid)
      await handle.chmod(like.mode & 0o777)
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Renames within the tree, and sees that the folders remember it after a loss of power. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to)
  await syncFolder(dirname(to))
  await syncFolder(dirname(from))
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

export function missing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null
  throw error
}

export function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}
