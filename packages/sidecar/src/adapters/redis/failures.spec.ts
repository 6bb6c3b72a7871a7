import { expect, test } from 'vitest'
import { CallFailed, classify, NoAnswer } from './failures.js'

const reply = (text: string) => Object.assign(new Error(text), { name: 'ReplyError' })

test.each([
  [reply("OOM command not allowed when used memory > 'maxmemory'"), 'sent', 'transient'],
  [reply('LOADING Redis is loading the dataset in memory'), 'sent', 'transient'],
  [reply("READONLY You can't write against a read only replica."), 'sent', 'transient'],
  [reply("NOPERM this user has no permissions to run the 'hset' command"), 'sent', 'contract'],
  [reply("The user executing the script can't run this command or subcommand"), 'sent', 'contract'],
  [reply("CROSSSLOT Keys in request don't hash to the same slot"), 'sent', 'contract'],
  [reply('ERR something nobody has seen'), 'sent', 'contract'],
  [new Error('Connection is closed.'), 'sent', 'unknown'],
  [new Error("Stream isn't writeable"), 'connecting', 'transient'],
  [new NoAnswer('no answer within 5000 ms'), 'sent', 'timeout'],
] as const)('%s while %s: %s', (reason, phase, code) => {
  const failure = classify(new CallFailed(reason, phase), false)
  expect(failure.code).toBe(code)
  expect(failure.hint).not.toBe('')
})

test('a read that has no answer changed nothing', () => {
  for (const reason of [new Error('Connection is closed.'), new NoAnswer('late')])
    expect(classify(new CallFailed(reason, 'sent'), true).code).toBe('transient')
})
