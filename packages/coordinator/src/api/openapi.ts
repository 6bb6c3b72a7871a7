import { createMetrics } from '@unwind/runtime'
import { type ApiOptions, apiOf } from './server.js'

/** The description of the API (OpenAPI 3.1), from the schemas by which its input is checked. Nothing is served for it. */
export async function openApiDocument(): Promise<object> {
  // Only what building the routes itself asks for; no handler runs.
  const options = {
    host: '',
    port: 0,
    token: null,
    actor: 'user:api',
    requestsPerSecond: 1,
    answered: {},
    metrics: createMetrics({}, { process: false }),
    remarks: () => [],
    logger: { error() {} },
  } as unknown as ApiOptions
  const app = await apiOf(options, new AbortController().signal)
  await app.ready()
  try {
    return app.swagger()
  } finally {
    await app.close()
  }
}
