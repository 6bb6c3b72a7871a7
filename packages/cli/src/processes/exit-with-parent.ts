const EVERY_MS = 500

/**
 * Ends this process when the one that started it is gone, however that died, so that a killed `unwind dev` leaves no
 * coordinator behind.
 * @param parent its process ID as text; undefined: nobody is watched.
 */
export function exitWithParent(parent: string | undefined): void {
  if (parent === undefined) return
  const watch = setInterval(() => {
    if (process.ppid === Number(parent)) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, EVERY_MS)
  watch.unref()
}
