import { describe, expect, it } from 'vitest'
import { ident, literal, numbers, qualified } from './quote.js'

describe('names, texts and numbers in generated SQL', () => {
  it('cannot end themselves', () => {
    expect(ident('a`b')).toBe('`a``b`')
    expect(qualified('my db', 't')).toBe('`my db`.`t`')
    expect(literal("it's \\ \n")).toBe("'it''s \\\\ \\n'")
  })

  it('numbers are numbers, and a list is never empty', () => {
    expect(numbers(['1', '18446744073709551615'])).toBe('1, 18446744073709551615')
    expect(numbers([])).toBe('0')
    expect(() => numbers(['1', '1) OR (1=1'])).toThrow('"1) OR (1=1" is not a number of the log')
  })
})
