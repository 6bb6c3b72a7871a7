import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { download } from './download.js'
import { MissingPrerequisite } from './errors.js'
import { KAFKA } from './kafka.js'
import { findPostgres } from './postgresBinaries.js'
import { findJava, findMaven, javaMajor } from './tools.js'
import { parsePasswd, unprivilegedUser } from './unprivileged.js'

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'unwind-spec-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function program(folder: string, name: string, script: string): string {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`)
  chmodSync(join(folder, name), 0o755)
  return folder
}

describe('Java', () => {
  it.each([
    ['17.0.15', 17],
    ['21', 21],
    ['22-ea', 22],
    ['1.8.0_402', 8],
    ['', 0],
  ])('version "%s" is Java %i', (version, major) => {
    expect(javaMajor(version)).toBe(major)
  })

  it('that is missing is named, with how to get it and how to do without', async () => {
    const failure = await findJava({ PATH: emptyFolder() }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(MissingPrerequisite)
    expect((failure as Error).message).toMatch(
      /Java is missing.*\n.*apt-get install openjdk-17.*KAFKA_BROKERS/,
    )
  })

  it('that is too old is named with its version', async () => {
    const PATH = program(emptyFolder(), 'java', `echo 'openjdk version "11.0.2"' >&2`)
    await expect(findJava({ PATH })).rejects.toThrow(/Java 17 or newer is needed; this one says "11.0.2"/)
  })

  it('is taken from JAVA_HOME before PATH', async () => {
    const home = emptyFolder()
    program(join(home, 'bin'), 'java', `echo 'openjdk version "21.0.1"' >&2`)
    const PATH = program(emptyFolder(), 'java', `echo 'openjdk version "17.0.1"' >&2`)
    expect((await findJava({ JAVA_HOME: home, PATH })).version).toBe('21.0.1')
  })
})

describe('Maven', () => {
  it('that is missing is named, with how to get it', () => {
    expect(() => findMaven({ PATH: emptyFolder() })).toThrow(/Maven is missing[\s\S]*apt-get install maven/)
  })

  it('is not needed for what has been downloaded', async () => {
    const cacheDir = emptyFolder()
    mkdirSync(join(cacheDir, KAFKA.name))
    const context = { cacheDir, env: { PATH: emptyFolder() }, say: () => undefined }
    expect(await download(KAFKA, context)).toBe(join(cacheDir, KAFKA.name))
  })
})

describe('PostgreSQL', () => {
  const postgres = (folder: string, version: string) => {
    program(folder, 'initdb', '')
    return program(folder, 'postgres', `echo 'postgres (PostgreSQL) ${version}'`)
  }

  it('is taken from PATH first, then from the system with the newest version, then from the package', async () => {
    const inPath = postgres(emptyFolder(), '16.2')
    const systemDir = emptyFolder()
    postgres(join(systemDir, '9', 'bin'), '9.6')
    postgres(join(systemDir, '14', 'bin'), '14.1')
    postgres(join(systemDir, '15', 'bin'), '15.3')
    const packaged = emptyFolder()
    postgres(join(packaged, 'bin'), '18.4')
    const nowhere = emptyFolder()

    const all = { env: { PATH: `${inPath}:/usr/bin:/bin` }, systemDir, packaged }
    expect((await findPostgres(all)).major).toBe(16)
    expect((await findPostgres({ ...all, env: { PATH: nowhere } })).major).toBe(15)
    expect(await findPostgres({ env: { PATH: nowhere }, systemDir: nowhere, packaged })).toEqual({
      bin: join(packaged, 'bin'),
      relocatable: packaged,
      major: 18,
    })
  })

  it('that is too old is passed over, and named when there is no other', async () => {
    const systemDir = emptyFolder()
    postgres(join(systemDir, '11', 'bin'), '11.4')
    const places = { env: { PATH: emptyFolder() }, systemDir }
    await expect(findPostgres(places)).rejects.toThrow(/PostgreSQL 13 or newer is missing; found: 11 in/)
  })

  it('that is missing is named, with three ways out', async () => {
    const nowhere = { env: { PATH: emptyFolder() }, systemDir: emptyFolder() }
    await expect(findPostgres(nowhere)).rejects.toThrow(
      /npm run setup[\s\S]*package manager[\s\S]*DATABASE_URL/,
    )
  })
})

describe('the user that runs PostgreSQL for root', () => {
  const passwd = [
    'root:x:0:0:root:/root:/bin/bash',
    '# comment:x:5:5',
    'nobody:x:65534:65534::/:/sbin/nologin',
    'postgres:x:101:104::/var/lib/postgresql:/bin/bash',
  ]

  it('is nobody special when this is not root', () => {
    expect(unprivilegedUser(passwd.join('\n'), false)).toBeUndefined()
  })

  it('is postgres, else nobody, else an error that says what to do', () => {
    expect(unprivilegedUser(passwd.join('\n'), true)).toEqual({ name: 'postgres', uid: 101, gid: 104 })
    expect(unprivilegedUser(passwd.slice(0, 3).join('\n'), true)?.name).toBe('nobody')
    expect(() => unprivilegedUser(passwd[0] as string, true)).toThrow(MissingPrerequisite)
  })

  it('is never root and never a comment', () => {
    expect(parsePasswd(passwd.join('\n')).map(user => user.name)).toEqual(['nobody', 'postgres'])
  })
})
