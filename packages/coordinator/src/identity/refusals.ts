import { SecurityProblem } from '../operations/problem.js'

/** @param why a short word that becomes part of the kind of security event. */
export const refusedToken = (why: string, detail: string) =>
  new SecurityProblem(
    `token-${why}`,
    401,
    'token-refused',
    'The token does not do',
    detail,
    'log in again (unwind login), or ask who runs the identity provider',
  )

export const forbidden = (kind: string, detail: string, hint: string) =>
  new SecurityProblem(kind, 403, kind, 'This caller may not do that', detail, hint)
