import type { LedgerEvent, Plan } from '@unwind/contracts'
import type { BlastRadius, Coordinator } from '@unwind/core'
import type { EventSender, SigningKey } from '@unwind/runtime'
import { Answered } from './api/answered.js'
import { type ApiServer, startApi } from './api/server.js'
import type { Catalogued } from './catalogue/catalogue.js'
import type { ContractsView } from './contracts/contracts-view.js'
import type { SystemFactsSource } from './facts/system-facts.js'
import { Oidc } from './identity/oidc.js'
import type { SecurityEvents } from './identity/security-events.js'
import type { Sightings } from './identity/sightings.js'
import type { LedgerLoop } from './ledger/loop.js'
import { Approvals } from './operations/approvals.js'
import { Commands } from './operations/commands.js'
import type { PolicySource } from './operations/policy-source.js'
import { Proposals } from './operations/proposals.js'
import type { CoordinatorApiOptions, CoordinatorOptions } from './options.js'
import type { LedgerReading } from './reading/ledger-reading.js'
import { stallsOf } from './reading/stalls-of.js'
import type { OpenView } from './view/open-view.js'

const REQUESTS_PER_SECOND = 200
const VISIBLE_WITHIN_MS = 1_000

/** What the operations and the API are made of. */
export interface ApiParts extends Pick<CoordinatorOptions, 'key' | 'trust' | 'topics' | 'logger'> {
  readonly me: Coordinator
  readonly policies: PolicySource
  readonly security: SecurityEvents
  readonly sightings: Sightings
  readonly metrics: NonNullable<CoordinatorOptions['metrics']>
  readonly sender: Pick<EventSender, 'send'>
  readonly contracts: Pick<ContractsView, 'contracts' | 'announced'>
  readonly opened: OpenView
  readonly loop: LedgerLoop
  /** The first offset of a ledger partition that the loop has not folded; null: it is not ours. */
  nextOf(partition: number): bigint | null
  readonly reading: LedgerReading
  readonly facts: SystemFactsSource
  /** Actions of a correlation ID, for dry runs. */
  actionsOf(correlationId: string): Promise<Catalogued>
  /** Who else worked on what a plan undoes. */
  blastRadius(plan: Plan): Promise<BlastRadius>
  /** Epoch ms. */
  now(): number
}

/** Proposals, commands and approvals, and the HTTP API in front of them. */
export function openApi(section: CoordinatorApiOptions, parts: ApiParts): Promise<ApiServer> {
  const { key, trust, policies, sightings, contracts, loop, reading, opened, now } = parts
  const { actions, ledger, view } = opened
  const { approverKey = null, voucherKey = null } = section
  const policy = () => policies.current()
  /** By their own key, or by what their identity provider said last. */
  const signerOf = (principal: string, approver: SigningKey | null) => {
    if (principal === approver?.principal) return approver
    const { roles } = sightings.of(principal) ?? { roles: null }
    return roles === null ? trust.signerOf(principal, now()) : { principal, roles, systems: [] }
  }
  const standing = {
    key,
    held: (rollbackId: string) => loop.stateOf(rollbackId),
    find: (rollbackId: string) => reading.rollback(rollbackId, true),
    send: (event: LedgerEvent) => parts.sender.send(event),
    now,
  }
  const stalled = {
    contracts: () => contracts.contracts,
    stall: parts.me.stall,
    factsOf: parts.facts.of.bind(parts.facts),
    now,
  }
  return startApi({
    host: section.host ?? '127.0.0.1',
    port: section.port ?? 0,
    token: section.token ?? null,
    actor: section.actor ?? 'user:api',
    policy,
    now,
    security: parts.security,
    ...(section.identity
      ? {
          identity: {
            oidc: section.identity.oidc ? new Oidc({ now, ...section.identity.oidc }) : null,
            developmentTokens: section.identity.developmentTokens ?? [],
            sightings,
          },
        }
      : {}),
    metrics: parts.metrics,
    logger: parts.logger,
    proposals: new Proposals({
      ...standing,
      policy,
      contracts: () => contracts.contracts,
      actionsOf: parts.actionsOf,
      blastRadius: parts.blastRadius,
      known: rollbackId => reading.rollback(rollbackId, false).catch(() => null),
    }),
    commands: new Commands({
      ...standing,
      isCurrent: correlationId => ledger.isReached(correlationId, parts.nextOf),
      policy,
      signerOf: principal => signerOf(principal, approverKey),
    }),
    approvals: new Approvals({
      ...standing,
      policy,
      approverKey,
      voucherKey,
      shown: principal => sightings.of(principal),
    }),
    reading,
    blastRadius: parts.blastRadius,
    requestsPerSecond: section.requestsPerSecond ?? REQUESTS_PER_SECOND,
    answered: new Answered(view),
    stallsOf: found => stallsOf(found, stalled),
    keeper: opened.keeper,
    isStale: () => opened.keeper.isStale(),
    actionsTopic: parts.topics.actions,
    contracts: () => contracts.contracts,
    announced: () => contracts.announced,
    open: () => loop.openStates(),
    async visible(correlationId, offset) {
      // Reading one's own write is a courtesy: the proposal stands in the ledger, whatever the view does.
      await ledger.until(correlationId, offset + 1n, VISIBLE_WITHIN_MS).catch(() => undefined)
    },
    async changed(correlationId, signal) {
      await Promise.race([actions.changed(correlationId, signal), ledger.changed(correlationId, signal)])
    },
    remarks: () => (view.reachable ? [] : ['the Redis view is away: planning and reading wait']),
  })
}
