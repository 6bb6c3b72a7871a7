/**
 * Waits for a condition, asked again and again.
 * @throws Error that says for what it waited in vain, and what `state` says of where things stand.
 */
export async function waitFor(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
  state: () => string = () => '',
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadline)
      throw new Error(`waited ${timeoutMs} ms in vain for ${what}. ${state()}`.trim())
    await sleep(25)
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
