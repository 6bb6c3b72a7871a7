import { readFileSync } from 'node:fs'
import { NODE_FLAGS } from '@unwind/runtime'
import { expect, test } from 'vitest'

test('the command starts with the same flags, however it is called', () => {
  const [first] = readFileSync(new URL('../../bin/unwind.mjs', import.meta.url), 'utf8').split('\n')
  expect(first).toBe(`#!/usr/bin/env -S node ${NODE_FLAGS.join(' ')}`)
})
