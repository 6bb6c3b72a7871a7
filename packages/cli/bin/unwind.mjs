#!/usr/bin/env -S node --max-semi-space-size=4 --max-old-space-size=256
// A committed file, so that the package manager can link the command before the first build.
const { main } = await import('../dist/main.js').catch(error => {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
  process.stderr.write('unwind is not built yet. Run "npm run build" once, or "npm run unwind -- …".\n')
  process.exit(1)
})
await main(process.argv)
