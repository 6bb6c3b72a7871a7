import type { Command } from 'commander'
import { EXIT_CODES } from '../shell/exit-codes.js'

/** Every verb, its words and options, as Markdown; made from the program, so that the page cannot be wrong. */
export function cliReference(program: Command): string {
  const sections = leaves(program).map(({ path, command }) => verbSection(path, command))
  const codes = Object.values(EXIT_CODES).map(({ code, means }) => `| ${code} | ${cell(means)} |`)
  const page = `# The command line

${program.description()}

Made from the program by \`node scripts/generate-cli-reference.mjs\`; do not edit.

Data goes to stdout, talk to stderr. Colours are for terminals; \`NO_COLOR\` turns them off. An option wins over an
environment variable, that over the configuration file, that over a running \`unwind dev\`.

## Exit codes

| code | means |
|---|---|
${codes.join('\n')}

## Options of every verb

${optionTable(program)}

## Verbs

${leaves(program)
  .map(({ path }) => `- [\`unwind ${path}\`](#unwind-${anchor(path)})`)
  .join('\n')}

${sections.join('\n')}`
  return `${page.replace(/\n{3,}/g, '\n\n').trimEnd()}\n`
}

interface Leaf {
  readonly path: string
  readonly command: Command
}

function leaves(command: Command, path: readonly string[] = []): readonly Leaf[] {
  return command.commands.flatMap(sub => {
    const here = [...path, sub.name()]
    const itself = { path: here.join(' '), command: sub }
    if (sub.commands.length === 0) return [itself]
    // One that takes options of its own does something by itself.
    return sub.options.length > 0 ? [itself, ...leaves(sub, here)] : leaves(sub, here)
  })
}

function verbSection(path: string, command: Command): string {
  const usage = command.registeredArguments.map(argument => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`
    return argument.required ? `<${name}>` : `[${name}]`
  })
  const words = ['unwind', path, ...usage, '[options]'].join(' ')
  const more = afterHelp(command)
  return `### unwind ${path}

${sentence(command.description())}

\`\`\`
${words}
\`\`\`
${command.registeredArguments
  .filter(argument => argument.description)
  .map(argument => `\n- \`${argument.name()}\`: ${argument.description}`)
  .join('')}
${optionTable(command)}
${more ? `\n\`\`\`\n${more}\n\`\`\`\n` : ''}`
}

function optionTable(command: Command): string {
  const options = command.options.filter(option => !option.hidden)
  if (options.length === 0) return ''
  const rows = options.map(option => {
    const choices = option.argChoices ? ` (${option.argChoices.join(', ')})` : ''
    const fallback =
      option.defaultValue === undefined || option.defaultValue === true
        ? ''
        : ` Default: \`${option.defaultValue}\`.`
    const must = option.mandatory && option.defaultValue === undefined ? ' **Required.**' : ''
    return `| \`${option.flags.replaceAll('|', '\\|')}\` | ${cell(`${option.description}${choices}`)}${fallback}${must} |`
  })
  return `\n| option | |\n|---|---|\n${rows.join('\n')}\n`
}

/** Examples and notes stand behind the help; that is the one place where they are written. */
function afterHelp(command: Command): string {
  let text = ''
  command.configureOutput({ writeOut: part => (text += part) })
  command.outputHelp()
  const start = text.indexOf('Examples:')
  return start < 0 ? '' : text.slice(start).trim()
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

function anchor(path: string): string {
  return path.replaceAll(' ', '-')
}
