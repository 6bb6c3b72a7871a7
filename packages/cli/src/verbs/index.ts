import { registerAcknowledge } from './acknowledge.js'
import { registerCapture } from './capture.js'
import { registerCompletion } from './completion.js'
import { registerContract } from './contract.js'
import { registerCoordinator } from './coordinator.js'
import { registerApprove, registerDeny } from './decision.js'
import { registerDemo } from './demo.js'
import { registerDev } from './dev.js'
import { registerDoctor } from './doctor.js'
import { registerDrill } from './drill.js'
import { registerKeys } from './keys.js'
import { registerLedger } from './ledger.js'
import { registerList } from './list.js'
import { registerLogin, registerLogout, registerWhoami } from './login.js'
import {
  registerAbort,
  registerPause,
  registerResolve,
  registerResume,
  registerRetry,
  registerSkip,
} from './operator.js'
import { registerPlan } from './plan.js'
import { registerPolicy } from './policy.js'
import { registerReconcile } from './reconcile.js'
import { registerRollback } from './rollback.js'
import { registerSchemas } from './schemas.js'
import { registerSidecar } from './sidecar.js'
import { registerStatus } from './status.js'
import { registerSystems } from './systems.js'
import { registerTail } from './tail.js'
import { registerTimeline } from './timeline.js'
import { registerTopics } from './topics.js'
import type { Register } from './verb.js'

/** Every verb, in the order in which the help shows them. */
export const VERBS: readonly { readonly group: string; readonly register: readonly Register[] }[] = [
  { group: 'Try it:', register: [registerDemo, registerDev, registerDoctor] },
  {
    group: 'See:',
    register: [registerTail, registerTimeline, registerPlan, registerStatus, registerList, registerSystems],
  },
  { group: 'Roll back:', register: [registerRollback, registerApprove, registerDeny] },
  {
    group: 'Step in:',
    register: [
      registerPause,
      registerResume,
      registerRetry,
      registerSkip,
      registerResolve,
      registerAbort,
      registerAcknowledge,
    ],
  },
  {
    group: 'Set up and run:',
    register: [
      registerTopics,
      registerSchemas,
      registerKeys,
      registerContract,
      registerPolicy,
      registerCapture,
      registerSidecar,
      registerCoordinator,
    ],
  },
  { group: 'Identity:', register: [registerLogin, registerLogout, registerWhoami] },
  { group: 'Prove:', register: [registerReconcile, registerLedger] },
  { group: 'Rehearse:', register: [registerDrill] },
  { group: 'Shell:', register: [registerCompletion] },
]
