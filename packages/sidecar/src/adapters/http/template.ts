/**
 * Placeholders in contracts: `{paymentId}` is a field of the action's recorded data, `{customer.id}` a field inside it,
 * and `{unwind.correlationId}`, `{unwind.rollbackId}`, `{unwind.stepId}`, `{unwind.actionId}`, `{unwind.resource}` come
 * from the step. `{{` and `}}` are literal braces. Compiled once, at start, so that a bad template never meets a rollback.
 */
export type Scope = Readonly<Record<string, unknown>>

/** The template cannot be compiled, or the action's data does not fill it. The message names the placeholder. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError'
}

type Part = { readonly literal: string } | { readonly placeholder: string }

export interface Template {
  readonly source: string
  readonly parts: readonly Part[]
}

const NAME = /^[A-Za-z_$][\w$-]*(\.[\w$-]+)*$/

/** @throws TemplateError for an unbalanced brace or a name that cannot be a field. */
export function compileTemplate(source: string): Template {
  const parts: Part[] = []
  let literal = ''
  for (let i = 0; i < source.length; i++) {
    const char = source[i]!
    if (char !== '{' && char !== '}') {
      literal += char
    } else if (source[i + 1] === char) {
      literal += char
      i++
    } else {
      const end = char === '{' ? source.indexOf('}', i) : -1
      if (end < 0)
        throw new TemplateError(
          `unbalanced "${char}" in ${JSON.stringify(source)}; write "${char}${char}" for a literal brace`,
        )
      const name = source.slice(i + 1, end)
      if (literal.endsWith('$'))
        throw new TemplateError(
          `"${'$'}{${name}}" in ${JSON.stringify(source)} is a variable of the environment; those belong into the adapter's section`,
        )
      if (!NAME.test(name))
        throw new TemplateError(
          `"{${name}}" in ${JSON.stringify(source)} is not a field name such as {paymentId} or {customer.id}`,
        )
      if (literal !== '') parts.push({ literal })
      literal = ''
      parts.push({ placeholder: name })
      i = end
    }
  }
  if (literal !== '') parts.push({ literal })
  return { source, parts }
}

/** A template that is one placeholder and nothing else keeps the type of its value; any other gives text. */
export function renderValue(template: Template, scope: Scope): unknown {
  const only = template.parts.length === 1 ? template.parts[0]! : null
  return only && 'placeholder' in only
    ? lookUp(only.placeholder, template, scope)
    : renderText(template, scope)
}

/** @param encode applied to every filled-in value, never to the contract's own text. */
export function renderText(
  template: Template,
  scope: Scope,
  encode: (text: string) => string = text => text,
): string {
  return template.parts
    .map(part => ('literal' in part ? part.literal : encode(scalar(part.placeholder, template, scope))))
    .join('')
}

function scalar(name: string, template: Template, scope: Scope): string {
  const value = lookUp(name, template, scope)
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return String(value)
  throw new TemplateError(
    `{${name}} in ${JSON.stringify(template.source)} is ${value === null ? 'null' : 'not a single value'} in the action's data`,
  )
}

function lookUp(name: string, template: Template, scope: Scope): unknown {
  let value: unknown = scope
  for (const field of name.split('.')) {
    // Own fields only: recorded data must not reach "constructor" and its like.
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, field))
      throw new TemplateError(
        `the action's data has no field {${name}}, which ${JSON.stringify(template.source)} needs`,
      )
    value = (value as Record<string, unknown>)[field]
  }
  return value
}

/** JSON whose strings are templates. */
export type JsonTemplate =
  | { readonly kind: 'string'; readonly template: Template }
  | { readonly kind: 'plain'; readonly value: unknown }
  | { readonly kind: 'array'; readonly items: readonly JsonTemplate[] }
  | { readonly kind: 'object'; readonly fields: readonly (readonly [string, JsonTemplate])[] }

/** @throws TemplateError */
export function compileJson(value: unknown): JsonTemplate {
  if (typeof value === 'string') return { kind: 'string', template: compileTemplate(value) }
  if (Array.isArray(value)) return { kind: 'array', items: value.map(compileJson) }
  if (typeof value === 'object' && value !== null)
    return {
      kind: 'object',
      fields: Object.entries(value).map(([name, field]) => [name, compileJson(field)] as const),
    }
  return { kind: 'plain', value }
}

/** @throws TemplateError */
export function renderJson(template: JsonTemplate, scope: Scope): unknown {
  switch (template.kind) {
    case 'string':
      return renderValue(template.template, scope)
    case 'plain':
      return template.value
    case 'array':
      return template.items.map(item => renderJson(item, scope))
    case 'object':
      return Object.fromEntries(template.fields.map(([name, field]) => [name, renderJson(field, scope)]))
  }
}

/**
 * Path and query of a request. Filled-in values are URL-encoded, and no segment may be "." or ".." once they are filled
 * in, so recorded data cannot leave the path that the contract's owner wrote.
 * @throws TemplateError
 */
export function renderPath(template: Template, scope: Scope): string {
  const path = renderText(template, scope, encodeSegment)
  const segments = path.split(/[?#]/, 1)[0]!.split('/')
  if (segments.some(segment => /^(\.|%2e){1,2}$/i.test(segment)))
    throw new TemplateError(
      `${JSON.stringify(template.source)} becomes ${JSON.stringify(path)}, which leaves its path`,
    )
  if (segments.slice(1).some((segment, i, all) => segment === '' && i < all.length - 1))
    throw new TemplateError(
      `${JSON.stringify(template.source)} becomes ${JSON.stringify(path)}, which has an empty segment`,
    )
  return path
}

function encodeSegment(text: string): string {
  if (text === '') throw new TemplateError('an empty value cannot stand in a path')
  try {
    return encodeURIComponent(text)
  } catch {
    throw new TemplateError('a value with half a surrogate pair cannot stand in a path')
  }
}
