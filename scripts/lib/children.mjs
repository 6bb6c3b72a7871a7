// Runs one command at a time, forwards signals to it, and leaves none of its processes behind.
//
// The child leads a process group of its own. A terminal's Ctrl-C therefore reaches it through us only, once: npm forwards
// the signal as well, and a program whose second signal means "now" must not get two from one key press. A watcher in the
// group holds a pipe to us and ends the group when we are gone, even by SIGKILL (the same trick as deploy/local/src/process.ts).
import { spawn } from 'node:child_process'

const WATCH = `
( trap '' HUP INT TERM QUIT; read -r _ <&3
  kill -TERM $$ 2>/dev/null
  n=0; while kill -0 $$ 2>/dev/null && ! grep -q ') Z ' /proc/$$/stat 2>/dev/null && [ $n -lt 100 ]
  do sleep 0.1; n=$((n+1)); done
  kill -KILL -$$ ) </dev/null >/dev/null 2>&1 &
exec 3<&-
exec "$@"
`
const SAME_KEY_PRESS_MS = 500
const FORCE_AFTER_MS = 20_000

/** Set once a signal has come: nothing more is started then. */
export let interruptedBy

/**
 * @param {string[]} command
 * @param {{cwd: string, env?: NodeJS.ProcessEnv, stdio?: [unknown, unknown, unknown]}} options
 * @returns {Promise<number>} exit code; 128 + n when a signal ended it
 */
export function run(command, options) {
  const stdio = [...(options.stdio ?? ['inherit', 'inherit', 'inherit']), 'pipe']
  return new Promise((resolve, reject) => {
    // Before the child runs: a signal that comes right after its first word must not end us instead of it.
    const { stopForwarding, to } = forward()
    const child = to(spawn('sh', ['-c', WATCH, 'watch', ...command], { ...options, stdio, detached: true }))
    const pipe = child.stdio[3]
    pipe.on('error', () => undefined)
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      stopForwarding()
      pipe.destroy() // The watcher clears what is left of the group.
      resolve(signal ? 128 + signalNumber(signal) : (code ?? 1))
    })
  })
}

function forward() {
  let child
  let last = 0
  let force
  const forwardSignal = signal => {
    interruptedBy = signal
    const now = Date.now()
    if (now - last < SAME_KEY_PRESS_MS) return
    last = now
    child?.kill(signal)
    force ??= setTimeout(() => child && killGroup(child.pid), FORCE_AFTER_MS)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, forwardSignal)
  return {
    to(started) {
      child = started
      return started
    },
    stopForwarding() {
      clearTimeout(force)
      for (const signal of signals) process.off(signal, forwardSignal)
    },
  }
}

function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It went by itself.
  }
}

function signalNumber(signal) {
  return { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGTERM: 15 }[signal] ?? 0
}
