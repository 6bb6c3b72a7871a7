/** Every failpoint that a sidecar process passes: the closed list that `UNWIND_FAILPOINTS` is checked against. */
export const SIDECAR_FAILPOINTS = [
  'sidecar.before-intent',
  'sidecar.after-intent',
  'sidecar.before-effect',
  'sidecar.after-effect',
  'sidecar.after-probe',
  'sidecar.before-outcome',
  'postgres.undo.before',
  'postgres.undo.after',
  'http.before-request',
  'http.after-request',
] as const
