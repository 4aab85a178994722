import type { InlineKeyboardButton } from 'grammy/types'
import type { Choice, DeliveryPart, LinkButton } from '../../../domain/ports/channel.ts'
import { readPart, renderParts, type TelegramPart } from './render-parts.ts'

/** Labels that stand beside each other on a phone. */
const SHORT_LABEL = 14
const IN_A_ROW = 3

/** A text as parts, the last one with a button for each choice. Pure; never throws. */
export function renderChoices(markdown: string, choices: readonly Choice[]): readonly DeliveryPart[] {
  return withButtons(
    markdown,
    choices.map(({ label, say }) => ({ label, say })),
  )
}

/** The same with buttons that open pages; Telegram's apps show the address before they do. */
export function renderLinks(markdown: string, links: readonly LinkButton[]): readonly DeliveryPart[] {
  return withButtons(
    markdown,
    links.map(({ label, url }) => ({ label, url })),
  )
}

function withButtons(
  markdown: string,
  buttons: NonNullable<TelegramPart['buttons']>,
): readonly DeliveryPart[] {
  const parts = renderParts(markdown)
  const last = parts.at(-1)
  if (last === undefined) return parts
  return [...parts.slice(0, -1), JSON.stringify({ ...readPart(last), buttons } satisfies TelegramPart)]
}

/** The buttons as Telegram wants them: in one row where they fit. */
export function keyboardOf({ buttons = [] }: TelegramPart): InlineKeyboardButton[][] {
  const keys = buttons.map((button) =>
    'url' in button
      ? { text: button.label, url: button.url }
      : { text: button.label, callback_data: button.say },
  )
  const fit = keys.length <= IN_A_ROW && keys.every(({ text }) => text.length <= SHORT_LABEL)
  return fit ? [keys] : keys.map((key) => [key])
}
