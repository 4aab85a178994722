import type { Command } from 'commander'

/**
 * Has each command whose subcommand may be left out say so when a word behind it is none of its subcommands, with the
 * nearest one: that word is not taken for an argument of the one that was left out.
 */
export function refuseUnknownCommands(parent: Command): void {
  for (const command of parent.commands) refuseUnknownCommands(command)
  if (parent.commands.length === 0) return
  parent.hook('preSubcommand', (_parent, called) => {
    const [word] = parent.args
    if (word === undefined || word.startsWith('-')) return
    if (word === called.name() || called.aliases().includes(word)) return
    const names = parent.commands.map((one) => one.name())
    const nearest = nearestOf(word, names)
    const meant = nearest === undefined ? `There are: ${names.join(', ')}.` : `(Did you mean ${nearest}?)`
    parent.error(`error: unknown command '${word}'\n${meant}`, { code: 'commander.unknownCommand' })
  })
}

/** The one that is written most alike; undefined when none is. */
export function nearestOf(word: string, names: readonly string[]): string | undefined {
  const far = (name: string) => Math.max(1, Math.floor(Math.max(word.length, name.length) * 0.4))
  return names
    .map((name) => ({ name, steps: stepsBetween(word.toLowerCase(), name) }))
    .filter(({ name, steps }) => steps <= far(name))
    .sort((a, b) => a.steps - b.steps)[0]?.name
}

/** Letters to add, take away, change or swap with the next. */
function stepsBetween(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, row) => [row])
  const at = (row: number, column: number) => rows[row]?.[column] ?? 0
  for (let column = 1; column <= b.length; column++) rows[0]?.push(column)
  for (let row = 1; row <= a.length; row++)
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      const steps = [
        at(row - 1, column) + 1,
        at(row, column - 1) + 1,
        at(row - 1, column - 1) + (same ? 0 : 1),
      ]
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1])
        steps.push(at(row - 2, column - 2) + 1)
      rows[row]?.push(Math.min(...steps))
    }
  return at(a.length, b.length)
}
