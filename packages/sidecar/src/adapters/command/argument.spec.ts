import { describe, expect, it } from 'vitest'
import { TemplateError } from '../http/template.js'
import { compileArgument, renderArgument } from './argument.js'

const rendered = (type: object, x: unknown) =>
  renderArgument(compileArgument({ value: '{x}', ...type }), { x })

describe('an argument', () => {
  it.each([
    [{ type: 'text' }, 'Ana & Söhne; $(id) | x', 'Ana & Söhne; $(id) | x'],
    [{ type: 'text', pattern: '[A-Z]{2}-\\d+' }, 'DE-17', 'DE-17'],
    [{ type: 'integer' }, 17, '17'],
    [{ type: 'integer' }, '12345678901234567890', '12345678901234567890'],
    [{ type: 'integer', min: -5 }, -5, '-5'],
    [{ type: 'decimal' }, '12.50', '12.50'],
    [{ type: 'decimal', signed: true }, '-12.50', '-12.50'],
    [{ type: 'boolean' }, true, 'true'],
    [{ type: 'uuid' }, '6f0a1c1e-1111-4222-8333-944445555566', '6f0a1c1e-1111-4222-8333-944445555566'],
    [{ type: 'date' }, '2026-02-28', '2026-02-28'],
    [{ type: 'choice', of: ['card', 'cash'] }, 'cash', 'cash'],
  ])('of %j takes %j', (type, value, text) => {
    expect(rendered(type, value)).toBe(text)
  })

  it.each([
    [{ type: 'text' }, '-rf', 'looks like an option'],
    [{ type: 'text' }, '--', 'looks like an option'],
    [{ type: 'text' }, '', 'it is empty'],
    [{ type: 'text' }, 'a\nb', 'control character'],
    [{ type: 'text' }, 'a\0b', 'control character'],
    [{ type: 'text' }, 'a\u2028b', 'control character'],
    [{ type: 'text' }, '\ud800', 'half a surrogate pair'],
    [{ type: 'text' }, 'x'.repeat(257), 'longer than 256'],
    [{ type: 'text', max: 3 }, 'abcd', 'longer than 3'],
    [{ type: 'text', pattern: 'a|b' }, 'ab', 'does not match a|b'],
    [{ type: 'integer' }, '-5', 'below 0'],
    [{ type: 'integer' }, '05', 'expected an integer'],
    [{ type: 'integer' }, '0x1f', 'expected an integer'],
    [{ type: 'integer', max: 5 }, 6, 'above 5'],
    [{ type: 'decimal' }, '-1', 'without a sign'],
    [{ type: 'decimal' }, '1e3', 'expected a decimal'],
    [{ type: 'boolean' }, 'yes', 'true or false'],
    [{ type: 'uuid' }, 'x', 'expected a UUID'],
    [{ type: 'date' }, '2026-02-31', 'expected a date'],
    [{ type: 'date' }, '2026-02-28T00:00', 'expected a date'],
    [{ type: 'choice', of: ['card', 'cash'] }, 'gold', 'one of card, cash'],
    [{ type: 'text' }, null, 'is null'],
    [{ type: 'text' }, [1], 'not a single value'],
  ])('of %j refuses %j: it %s', (type, value, why) => {
    expect(() => rendered(type, value)).toThrow(TemplateError)
    expect(() => rendered(type, value)).toThrow(why)
  })

  it.each([
    ['{x}', 'with its type'],
    [{ value: '{x}' }, 'expected "type" to be one of text, integer'],
    [{ value: '{x}', type: 'shell' }, 'expected "type"'],
    [{ type: 'text' }, 'expected "value"'],
    [{ value: '{x', type: 'text' }, 'unbalanced'],
    [{ value: '{x}', type: 'uuid', max: 3 }, 'an argument of type uuid has no max'],
    [{ value: '{x}', type: 'text', max: 0 }, 'expected "max"'],
    [{ value: '{x}', type: 'text', pattern: '(' }, 'is not a regular expression'],
    [{ value: '{x}', type: 'integer', min: '1' }, 'expected "min" to be an integer'],
    [{ value: '{x}', type: 'choice' }, 'needs "of"'],
    [{ value: '{x}', type: 'choice', of: ['-a'] }, 'looks like an option'],
  ])('declared as %j is refused: %s', (source, why) => {
    expect(() => compileArgument(source)).toThrow(why)
  })
})
