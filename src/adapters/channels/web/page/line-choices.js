import { newId } from './new-id.js'

/** The buttons below a line. `press` takes the place of one among them, and an id for all tries of this press. */
export function makeChoices(labels, press) {
  const group = document.createElement('div')
  group.className = 'choices'
  group.setAttribute('role', 'group')
  group.setAttribute('aria-label', 'Answers')
  const status = document.createElement('p')
  status.className = 'choices-note'
  status.setAttribute('role', 'status')
  const buttons = labels.map((label, index) => {
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'choice'
    button.textContent = label
    const id = newId()
    button.addEventListener('click', () => pressed(button, () => press(index, id)))
    return button
  })
  const enable = (enabled) => {
    for (const button of buttons) button.disabled = !enabled
  }
  async function pressed(button, send) {
    enable(false)
    status.textContent = `${button.textContent}: sent…`
    const problem = await send()
    if (problem === null) return
    status.textContent = problem
    enable(true)
  }
  group.append(...buttons, status)
  return group
}

/** Sends a press; null when it was taken, else what to tell. The line itself changes when it was decided. */
export async function sendPress(group, line, choice, id) {
  try {
    const response = await fetch(`/api/chats/${encodeURIComponent(group)}/presses`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ id, line, choice }),
      signal: AbortSignal.timeout(20_000),
    })
    return response.status === 202 ? null : (await response.json()).error
  } catch (error) {
    console.warn('press not sent', error)
    return 'Creel does not answer. Try again.'
  }
}
