import { spawn } from 'node:child_process'
import { describe, expect, it } from 'vitest'

const CHILDREN = new URL('./children.mjs', import.meta.url).href

/** A process that runs the shell script as its child, as run.mjs does; its exit code is what `run` gave. */
function runner(script) {
  const code = `
    const { run } = await import(${JSON.stringify(CHILDREN)})
    process.exitCode = await run(['sh', '-c', ${JSON.stringify(script)}], { cwd: '.' })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', chunk => {
    output += chunk
  })
  const exited = new Promise(resolve => child.once('exit', resolve))
  return { child, exited, output: () => output }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('a command', () => {
  it('gives its exit code, and 128 + n when a signal ended it', async () => {
    expect(await runner('exit 7').exited).toBe(7)
    expect(await runner('kill -TERM $$').exited).toBe(143)
  })

  it('hears one signal when one key press sends two', async () => {
    const { child, exited, output } = runner(
      `n=0; trap 'n=$((n+1)); echo heard $n' INT; echo ready; i=0; while [ $i -lt 20 ]; do sleep 0.1; i=$((i+1)); done; exit 5`,
    )
    await expect.poll(output).toContain('ready')
    child.kill('SIGINT')
    setTimeout(() => child.kill('SIGINT'), 50)
    expect(await exited).toBe(5)
    expect(output()).toBe('ready\nheard 1\n')
  })

  it('leaves no process behind: neither its own when it ends, nor itself when its parent is killed', async () => {
    const ends = runner('sleep 60 & echo $!')
    await ends.exited
    await expect.poll(() => isAlive(Number(ends.output())), { timeout: 5_000 }).toBe(false)

    const killed = runner('echo $$; exec sleep 60')
    await expect.poll(killed.output).not.toBe('')
    killed.child.kill('SIGKILL')
    await expect.poll(() => isAlive(Number(killed.output())), { timeout: 5_000 }).toBe(false)
  })
})
