import type { Desk } from './desk.js'

export interface HttpAttack {
  readonly name: string
  readonly status: number
  /** Kind of the security event that is heard. Null: the request is malformed, and no right was claimed. */
  readonly heard: string | null
  attack(desk: Desk): Promise<Response>
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

export const ben = (desk: Desk, over: object = {}) => ({
  ...desk.provider.claims('ben', ['unwind-approvers']),
  ...over,
})

export const command = (desk: Desk, token: string, over: object = {}, headers: Record<string, string> = {}) =>
  desk.post('/rb-1/commands', { command: 'abort', reason: 'mine', ...over }, { ...bearer(token), ...headers })
