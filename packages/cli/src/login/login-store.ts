import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { CliError } from '../shell/cli-error.js'

const loginSchema = z.object({
  issuer: z.string(),
  clientId: z.string(),
  /** Which of the provider's tokens the coordinator is shown. */
  uses: z.enum(['access', 'id']),
  bearer: z.string(),
  /** Epoch ms; null: not known. */
  expiresAt: z.number().nullable(),
  refreshToken: z.string().nullable(),
  /** Who the coordinator says that this is; null: it was not asked yet. */
  principal: z.string().nullable(),
})
const fileSchema = z.object({ version: z.literal(1), logins: z.record(z.string(), loginSchema) })

/** Somebody's log-in for one coordinator. */
export type Login = z.output<typeof loginSchema>

const OTHERS = 0o077

/** Log-ins of one person on one machine, by the coordinator that they are for: a file that only this person can read. */
export class LoginStore {
  constructor(readonly path: string) {}

  static of(env: Readonly<Record<string, string | undefined>>): LoginStore {
    const config = env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config')
    return new LoginStore(join(config, 'unwind', 'logins.json'))
  }

  /** @throws CliError "usage" when others can read the file, or it is not ours. */
  read(apiUrl: string): Login | null {
    return this.#logins()[keyOf(apiUrl)] ?? null
  }

  /** @param login null: forget it. */
  write(apiUrl: string, login: Login | null): void {
    const { [keyOf(apiUrl)]: _, ...others } = this.#logins()
    const logins = login === null ? others : { ...others, [keyOf(apiUrl)]: login }
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 })
    // Never half a file, and never one that others could have opened before.
    const fresh = `${this.path}.${randomBytes(6).toString('hex')}`
    try {
      writeFileSync(fresh, `${JSON.stringify({ version: 1, logins }, null, 2)}\n`, {
        mode: 0o600,
        flag: 'wx',
      })
      renameSync(fresh, this.path)
    } finally {
      rmSync(fresh, { force: true })
    }
  }

  #logins(): Readonly<Record<string, Login>> {
    let text: string
    try {
      const { mode } = statSync(this.path)
      if (process.platform !== 'win32' && (mode & OTHERS) !== 0)
        throw new CliError(
          'usage',
          `${this.path} holds tokens and others can read it.`,
          `Run: chmod 600 ${this.path}, and log in again if somebody else had access.`,
        )
      text = readFileSync(this.path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
      throw error
    }
    try {
      return fileSchema.parse(JSON.parse(text)).logins
    } catch {
      throw new CliError(
        'usage',
        `${this.path} is no file of log-ins.`,
        'Remove it and run "unwind login" again.',
      )
    }
  }
}

/** "HTTPS://Unwind.Example.com/" and "https://unwind.example.com" are one coordinator. */
function keyOf(apiUrl: string): string {
  return new URL(apiUrl).href.replace(/\/+$/, '')
}
