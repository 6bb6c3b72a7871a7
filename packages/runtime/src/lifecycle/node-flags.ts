/**
 * The flags with which long-running processes are started, here and in `bin/unwind.mjs`. Events are short-lived and what is open is
 * small: left to itself, Node would let the heap grow to several times of what is in use before it collects. With less than this,
 * what is only in flight grows old, and collecting it becomes a third of a coordinator's work: the limit of the old space also
 * decides by how much it may grow between two full collections. A coordinator with tens of thousands of open rollbacks wants
 * a larger old space.
 */
export const NODE_FLAGS = ['--max-semi-space-size=8', '--max-old-space-size=1024'] as const
