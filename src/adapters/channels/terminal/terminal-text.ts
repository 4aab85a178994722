const ESC = '\u001b'
const BEL = '\u0007'

/** Control strings that run to a terminator: OSC, DCS, SOS, PM and APC, as ECMA-48 numbers them. */
const CONTROL_STRINGS = new RegExp(
  `(?:${ESC}[\\]PX^_]|[\u0090\u0098\u009d-\u009f])[^${BEL}${ESC}\u009c]*(?:${BEL}|${ESC}\\\\|\u009c)?`,
  'g',
)
const CSI_SEQUENCES = new RegExp(`(?:${ESC}\\[|\u009b)[0-?]*[ -/]*[@-~]?`, 'g')
const OTHER_ESCAPES = new RegExp(`${ESC}[ -/]*[0-~]?`, 'g')
/** All of C0, DEL and C1 but tab and line feed. */
const CONTROLS = /(?![\t\n])\p{Cc}/gu
const DIRECTION_MARKS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/**
 * What a terminal may print of a text that an agent wrote: no escape sequence, no control character but line feed
 * and tab, no change of reading direction. Such a sequence could set the title, write the clipboard, answer for the
 * keyboard or overwrite what stands above. Pure; linear in the length of the text; never throws.
 */
export function terminalText(markdown: string): string {
  return markdown
    .replace(CONTROL_STRINGS, '')
    .replace(CSI_SEQUENCES, '')
    .replace(OTHER_ESCAPES, '')
    .replace(/\r\n?/g, '\n')
    .replace(CONTROLS, '')
    .replace(DIRECTION_MARKS, '')
}
