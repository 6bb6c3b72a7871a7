import { describe, expect, it } from 'vitest'
import { compileJson, compileTemplate, renderJson, renderPath, renderText, renderValue } from './template.js'

const scope = {
  id: 'p/1 ä',
  amount: 1250,
  customer: { id: 7 },
  nothing: null,
  unwind: { correlationId: 'order-1' },
}
const path = (source: string, data: Record<string, unknown> = scope) =>
  renderPath(compileTemplate(source), data)

describe('placeholders', () => {
  it('keep the type of their value when they stand alone, and give text otherwise', () => {
    const body = compileJson({
      amount: '{amount}',
      note: 'of {unwind.correlationId}',
      list: ['{customer.id}', 3, null],
      customer: '{customer}',
    })
    expect(renderJson(body, scope)).toEqual({
      amount: 1250,
      note: 'of order-1',
      list: [7, 3, null],
      customer: { id: 7 },
    })
    expect(renderValue(compileTemplate('{nothing}'), scope)).toBeNull()
  })

  it('are literal braces when doubled', () => {
    expect(renderText(compileTemplate('{{amount}} {amount}'), scope)).toBe('{amount} 1250')
  })

  it.each(['{', '}', 'a{b', '{}', '{a b}', '{a..b}'])('refuse %j when compiled', source => {
    expect(() => compileTemplate(source)).toThrow(/unbalanced|not a field name/)
  })

  it('name the field that the data lacks', () => {
    expect(() => renderText(compileTemplate('/p/{paymentId}'), scope)).toThrow(
      'the action\'s data has no field {paymentId}, which "/p/{paymentId}" needs',
    )
    expect(() => renderText(compileTemplate('{nothing}'), scope)).toThrow('is null')
    expect(() => renderText(compileTemplate('{customer}'), scope)).toThrow('is not a single value')
  })

  it('reach own fields only', () => {
    expect(() => renderText(compileTemplate('{constructor.name}'), scope)).toThrow('has no field')
    expect(() => renderText(compileTemplate('{__proto__}'), scope)).toThrow('has no field')
  })
})

describe('paths', () => {
  it('encode every filled-in value', () => {
    expect(path('/payments/{id}/refunds?order={unwind.correlationId}')).toBe(
      '/payments/p%2F1%20%C3%A4/refunds?order=order-1',
    )
    expect(path('/p/{id}', { id: '../../admin?x=1#y' })).toBe('/p/..%2F..%2Fadmin%3Fx%3D1%23y')
    expect(path('/p/{id}', { id: '%2e%2e' })).toBe('/p/%252e%252e')
  })

  it.each([
    ['/p/{id}/refunds', { id: '..' }],
    ['/p/{id}', { id: '.' }],
    ['/p/{a}{b}', { a: '.', b: '.' }],
    ['/p/.{a}', { a: '.' }],
  ])('refuse %j with %j: it would leave the path', (source, data) => {
    expect(() => path(source, data)).toThrow('which leaves its path')
  })

  it('refuse empty values and broken text', () => {
    expect(() => path('/p/{id}/x', { id: '' })).toThrow('an empty value')
    expect(() => path('/p/{id}', { id: '\ud800' })).toThrow('half a surrogate pair')
  })
})
