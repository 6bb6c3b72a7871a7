import { eventLogConformance } from '@unwind/runtime/conformance'
import { inject } from 'vitest'
import { kafkajsHarness } from './harness.js'

eventLogConformance(kafkajsHarness(inject('stack').brokers))
