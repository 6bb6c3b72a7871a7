import { randomBytes } from 'node:crypto'
import { newRollbackId } from '@unwind/contracts/ids'
import { Random } from '../../simulation/engine/random.js'
import { type JudgedOrder, judge, type Violation } from '../check/verdict.js'
import { AMOUNT } from '../site/order-book.js'
import type { Trouble } from '../site/payment-api.js'
import type { Branch, Site } from '../site/site.js'
import { sleep } from '../site/wait.js'
import { EXPECTED, kindOf, type OrderKind } from './kinds.js'

export interface TrafficOptions {
  readonly seed: number
  /** Orders that are on their way at once. */
  readonly inFlight: number
  readonly mix?: Readonly<Partial<Record<OrderKind, number>>>
  /** Between one order's end and the next one's beginning, ms. Default 0: as fast as it goes. */
  readonly restMs?: number
  /** New orders a second at most. Default: as many as there is room for. */
  readonly perSecond?: number
  /** Orders wait for this before they are proposed. Default: they do not. */
  readonly beforePropose?: () => Promise<void>
  /** Whether the operator acts on what is parked by now. Default: at once. */
  readonly mayResolve?: (kind: OrderKind, rollbackId: string) => boolean
  /** Stop after so many orders. Default: go on until stopped. */
  readonly orders?: number
}

interface Order {
  readonly order: string
  readonly kind: OrderKind
  readonly branch: Branch
  /** Null until it is proposed. */
  rollbackId: string | null
}

const LOOK_MS = 40
const ASK_AGAIN_MS = 400
const TROUBLES: readonly (readonly Trouble[])[] = [
  ['busy'],
  ['cut-after'],
  ['cut-before'],
  ['busy', 'cut-after'],
  ['cut-after', 'busy'],
]

/** Orders that fail half-way, one after the other, as seeded; each is followed to its end. */
export class Traffic {
  readonly orders: Order[] = []
  readonly #random: Random
  readonly #lanes: Promise<void>[] = []
  /** The last answer of an API that was not a yes, by order: for the report of one that never ended. */
  readonly #refusals = new Map<string, string>()
  #stopped = false
  /** Monotonic ms before which no further order begins. */
  #nextAt = 0

  constructor(
    private readonly site: Site,
    private readonly options: TrafficOptions,
  ) {
    this.#random = new Random(options.seed, 7)
  }

  start(): void {
    for (let lane = 0; lane < this.options.inFlight; lane++) this.#lanes.push(this.#lane())
  }

  /** Rollbacks that were proposed and have not ended. */
  get open(): number {
    return this.orders.filter(one => one.rollbackId !== null && !this.#isOver(one)).length
  }

  get closed(): number {
    return this.orders.filter(one => one.rollbackId !== null && this.#isOver(one)).length
  }

  /** No new orders; those under way go on. */
  stop(): void {
    this.#stopped = true
  }

  /** Resolves when every order has come to its end, or the time is over. */
  async finish(timeoutMs: number): Promise<void> {
    this.stop()
    await Promise.race([Promise.allSettled(this.#lanes), sleep(timeoutMs)])
  }

  /**
   * What the targets and the ledger say of every order, as soon as nothing is wrong; otherwise what is still wrong at the end.
   * What is merely late is waited for; what happened twice stays.
   */
  async verdict(timeoutMs: number): Promise<readonly Violation[]> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const found = await this.#judge()
      const hopeless = found.some(({ kind }) => kind !== 'lost' && kind !== 'false-green')
      if (found.length === 0 || hopeless || performance.now() > deadline) return found
      await sleep(500)
    }
  }

  async #judge(): Promise<readonly Violation[]> {
    const tables = new Map<string, Awaited<ReturnType<Branch['book']['effects']>>>()
    for (const { book, payments } of this.site.branches)
      for (const target of [book, payments]) tables.set(target.system, await target.effects())
    const found = this.orders.flatMap(({ order, kind, branch: { book, payments }, rollbackId }) => {
      const systems = [book.system, payments.system].map(system => ({
        system,
        effects: tables.get(system)!.get(order),
      }))
      // One that the end of the run caught before its proposal is as good as one that nobody rolled back.
      const expected = rollbackId === null ? 'untouched' : EXPECTED[kind]
      const judged: JudgedOrder = { order, expected, rollbackId, systems }
      return judge(judged, rollbackId === null ? undefined : this.site.eyes.story(rollbackId))
    })
    return found.map(one => {
      const refusal = this.#refusals.get(one.order)
      if (refusal === undefined || one.kind !== 'lost') return one
      return { ...one, message: `${one.message}; the operator was last answered: ${refusal}` }
    })
  }

  async #lane(): Promise<void> {
    while (!this.#stopped && this.orders.length < (this.options.orders ?? Number.POSITIVE_INFINITY)) {
      await this.#due()
      if (this.#stopped) return
      const branch = this.#random.pick(this.site.branches)
      const kind = kindOf(this.#random.next(), this.options.mix)
      const order = `o-${this.site.options.name}-${this.orders.length + 1}-${kind}`
      const one: Order = { order, kind, branch, rollbackId: null }
      this.orders.push(one)
      await this.#live(one, kind === 'troubled' ? this.#random.pick(TROUBLES) : [])
      if (this.options.restMs) await sleep(this.options.restMs)
    }
  }

  /** Resolves when one more order may begin. */
  async #due(): Promise<void> {
    const { perSecond } = this.options
    if (perSecond === undefined) return
    const at = Math.max(performance.now(), this.#nextAt)
    this.#nextAt = at + 1_000 / perSecond
    await sleep(Math.max(0, at - performance.now()))
  }

  async #live(one: Order, trouble: readonly Trouble[]): Promise<void> {
    const { order, kind, branch } = one
    const { eyes, courier } = this.site
    branch.payments.capture(order, AMOUNT, trouble)
    await courier.ask({
      kind: 'record',
      order,
      system: branch.payments.system,
      action: 'payment.captured',
      data: { paymentId: order, amount: AMOUNT },
    })
    await this.#persist(() => branch.book.write(order))
    if (kind === 'control') return
    if (kind !== 'hasty') await this.#until(() => eyes.recorded.get(order)?.has(branch.book.system) ?? false)
    if (kind === 'forced' || kind === 'kept') await this.#persist(() => branch.book.ship(order))
    await this.options.beforePropose?.()
    one.rollbackId = newRollbackId(Date.now(), randomBytes(8))
    const { rollbackId } = one
    if (kind === 'approved') await this.#proposeByPerson(one, rollbackId)
    else await courier.ask({ kind: 'propose', order, rollbackId })
    if (kind === 'forced' || kind === 'kept')
      await this.#resolve(one, rollbackId, branch.book.system, kind === 'forced' ? 'force' : 'keep')
    await this.#until(() => this.#isOver(one))
  }

  async #proposeByPerson(one: Order, rollbackId: string): Promise<void> {
    const { eyes } = this.site
    const correlationId = one.order
    const story = () => eyes.story(rollbackId)
    await this.#askApi(
      one,
      () => story()?.proposed ?? false,
      api => api.propose({ correlationId, rollbackId, reason: 'a customer called', actor: 'user:ana' }),
    )
    await this.#until(() => story()?.approvalRequested ?? false)
    await this.#askApi(
      one,
      () => (story()?.revision ?? 0) > 0,
      async api => {
        const { planHash } = await api.plan(rollbackId)
        await api.decide(rollbackId, { decision: 'approve', planHash, reason: 'looked at it' })
      },
    )
  }

  async #resolve(
    one: Order,
    rollbackId: string,
    system: string,
    resolution: 'force' | 'keep',
  ): Promise<void> {
    const { eyes } = this.site
    const parked = () =>
      [...(eyes.story(rollbackId)?.parked.keys() ?? [])].filter(id => id.split('~')[0] === system)
    await this.#until(() => parked().length > 0 || this.#isOver(one))
    const { mayResolve } = this.options
    await this.#until(() => this.#isOver(one) || (mayResolve?.(one.kind, rollbackId) ?? true))
    let n = 0
    await this.#askApi(
      one,
      () => parked().length === 0 || this.#isOver(one),
      api =>
        api.command(rollbackId, {
          command: 'resolve',
          stepId: parked()[0]!,
          resolution,
          reason: 'seen and decided',
          actor: 'user:ana',
          commandId: `${rollbackId}-${++n}`,
        }),
    )
  }

  /** Asks whichever coordinator is there until the ledger shows that it was heard. */
  async #askApi(
    one: Order,
    heard: () => boolean,
    ask: (api: NonNullable<Site['api']>) => Promise<unknown>,
  ): Promise<void> {
    let askedAt = 0
    await this.#until(async () => {
      if (heard()) return true
      const { api } = this.site
      if (api && performance.now() - askedAt > ASK_AGAIN_MS) {
        askedAt = performance.now()
        // A refusal (heard already, not there yet) and an outage look the same here: the ledger tells.
        await ask(api).catch(error => this.#refusals.set(one.order, String(error)))
      }
      return heard()
    })
  }

  /** The application's own database may be away; a person at the counter tries again. */
  async #persist(act: () => Promise<unknown>): Promise<void> {
    await this.#until(async () => {
      try {
        await act()
        return true
      } catch {
        return false
      }
    })
  }

  /** Until it holds; a finished run lets go of what still waits. */
  async #until(condition: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await condition())) await sleep(LOOK_MS)
  }

  #isOver({ rollbackId }: Order): boolean {
    return (
      rollbackId !== null &&
      this.site.eyes.story(rollbackId)?.end !== undefined &&
      this.site.eyes.story(rollbackId)?.end !== null
    )
  }
}
