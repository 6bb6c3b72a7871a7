/** @throws Error for an address over which anybody on the way could read a token. */
export function assertSafe(address: string): void {
  if (!isSafe(address)) throw new Error(`${address} is not https; plain http is for this machine only`)
}

export function isSafe(address: string): boolean {
  const { protocol, hostname } = new URL(address)
  const isLocal = hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname)
  return protocol === 'https:' || (protocol === 'http:' && isLocal)
}
