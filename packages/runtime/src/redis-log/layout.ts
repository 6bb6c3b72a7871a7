/**
 * Where Unwind keeps its own keys in a Redis that takes part in rollbacks, and what they hold. Written by the client's
 * capture, read by the sidecar: a seam between two packages, so it stands in one place.
 *
 * The part in braces is the hash tag: in a cluster all keys that one script touches must share it. A captured action's own
 * keys carry the tag `{correlationId}` there; images that travel in the action's data use the tag of the data's keys.
 */
export interface RedisLayout {
  /** Hash: action ID → entry (see `ENTRY`). The undo log of one correlation ID. */
  undoLog(correlationId: string): string
  /** Text: `reject:<rollback ID>` or `expose:<rollback ID>`. Its presence is the fence. */
  fence(correlationId: string): string
  /** Hash: the effect record of one step, written in the same script as the effect (I2). */
  effect(tag: string, stepKey: string): string
  /** Stream of captured actions that nobody has published yet. None in a cluster: it could not share their slots. */
  readonly outbox: string
  /** Text: the process that relays the outbox at present. */
  readonly relay: string
  /** Scratch key of the check at start. */
  scratch(tag: string): string
}

export const DEFAULT_PREFIX = 'unwind'

/**
 * Entry of the undo log, MessagePack, so that any bytes survive:
 * `{v: 1, seq, at, action, resource, late, items: [[key, kind, [[field, before, after], …]], …]}`. Only what the action changed;
 * `false` is "not there". Kinds: string (field ""), hash, set, zset, list (field "", value a MessagePack array), ttl (field "",
 * value epoch ms of expiry as text).
 */
export const ENTRY_VERSION = 1

export function redisLayout(prefix: string = DEFAULT_PREFIX): RedisLayout {
  return {
    undoLog: correlationId => `${prefix}:undo:{${correlationId}}`,
    fence: correlationId => `${prefix}:fence:{${correlationId}}`,
    effect: (tag, stepKey) => `${prefix}:effect:{${tag}}:${stepKey}`,
    outbox: `${prefix}:outbox`,
    relay: `${prefix}:relay`,
    scratch: tag => `${prefix}:check:{${tag}}`,
  }
}

/** The part of a key that decides its slot in a cluster: between the first "{" and the next "}", if anything stands there. */
export function hashTag(key: string): string {
  const open = key.indexOf('{')
  const close = open < 0 ? -1 : key.indexOf('}', open + 1)
  return close > open + 1 ? key.slice(open + 1, close) : key
}
