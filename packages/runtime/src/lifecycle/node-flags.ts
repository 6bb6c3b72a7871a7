/**
 * The flags with which long-running processes are started, here and in `bin/unwind.mjs`. Events are short-lived and what is open is
 * small: left to itself, Node would let the heap grow to several times of what is in use before it collects. A coordinator
 * with tens of thousands of open rollbacks wants a larger old space.
 */
export const NODE_FLAGS = ['--max-semi-space-size=4', '--max-old-space-size=256'] as const
