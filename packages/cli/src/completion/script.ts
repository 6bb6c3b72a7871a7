import type { Command } from 'commander'
import { type Words, wordsOf } from './words.js'

/** A completion script with all words inside, so that completing starts no process. */
export function completionScript(program: Command, shell: 'bash' | 'zsh' | 'fish'): string {
  const words = wordsOf(program)
  switch (shell) {
    case 'bash':
      return bash(words)
    case 'zsh':
      // zsh reads bash completions, and a second grammar would only be a second thing to be wrong.
      return `#compdef unwind\nautoload -U +X bashcompinit && bashcompinit\n${bash(words)}`
    case 'fish':
      return fish(words)
    default:
      return shell satisfies never
  }
}

function bash(all: readonly Words[]): string {
  const cases = all
    .map(one => {
      const list = [...one.verbs.map(verb => verb.name), ...one.options.flatMap(option => [option.long])]
      return `    ${quoted(one.path)}) words=${quoted(list.join(' '))} ;;`
    })
    .join('\n')
  const paths = all.map(one => one.path).filter(Boolean)
  const choices = new Map(
    all.flatMap(one => one.options.filter(o => o.choices.length).map(o => [o.long, o.choices.join(' ')])),
  )
  const values = [...choices].map(
    ([long, list]) => `    ${long}) COMPREPLY=($(compgen -W ${quoted(list)} -- "$current")); return ;;`,
  )
  return `_unwind() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path="" words="" word next
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    next="\${path:+$path }$word"
    case "$next" in
      ${paths.map(quoted).join('|')}) path="$next" ;;
    esac
  done
  case "$previous" in
${values.join('\n')}
    --config|--contract|--key|--out|--trust) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  case "$path" in
${cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _unwind unwind
`
}

function fish(all: readonly Words[]): string {
  const lines = ['complete -c unwind -f']
  for (const one of all) {
    const words = one.path.split(' ').filter(Boolean)
    const seen = words.map(word => `__fish_seen_subcommand_from ${word}`).join('; and ')
    const here = words.length === 0 ? '__fish_use_subcommand' : seen
    const deeper = one.verbs.map(verb => verb.name).join(' ')
    const open = words.length > 0 && deeper ? `${here}; and not __fish_seen_subcommand_from ${deeper}` : here
    for (const verb of one.verbs)
      lines.push(`complete -c unwind -n ${quoted(open)} -a ${verb.name} -d ${quoted(verb.description)}`)
    for (const option of one.options) {
      const short = option.short ? ` -s ${option.short.slice(1)}` : ''
      const value = option.choices.length
        ? ` -x -a ${quoted(option.choices.join(' '))}`
        : option.takesValue
          ? ' -r -F'
          : ''
      lines.push(
        `complete -c unwind -n ${quoted(here)} -l ${option.long.slice(2)}${short}${value} -d ${quoted(option.description)}`,
      )
    }
  }
  return `${lines.join('\n')}\n`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
