import { CreelError } from '../domain/errors.ts'
import { zoneNamed } from '../schedule/cron-time.ts'
import { localTime } from '../schedule/task-schedule.ts'
import { type ChatCommandPorts, type CommandCall, settingsOf } from './command.ts'

/** `/timezone`: on whose clock times are meant that this person names. Everybody has their own, over all chats. */
export function timezoneText({ message, args, group }: CommandCall, ports: ChatCommandPorts): string {
  const { people, groups, clock, timezone } = ports
  const { senderId } = message
  const usual = settingsOf(group, groups)?.timezone ?? timezone
  if (args === '') {
    const own = people.zone(senderId)
    const zone = own ?? usual
    const whose = own === null ? 'You have chosen none, so that of the agent counts' : 'Your time zone is'
    return `${whose}: ${zone}, where it is ${localTime(clock.now(), zone)}. \`/timezone Europe/Berlin\` changes it, \`/timezone default\` forgets it.`
  }
  if (args.toLowerCase() === 'default') {
    people.setZone(senderId, null)
    return `Forgotten. Times that you name are meant on the agent's clock again: ${usual}.`
  }
  try {
    const zone = zoneNamed(args)
    people.setZone(senderId, zone)
    return `Times that you name are meant in ${zone} from now on, where it is ${localTime(clock.now(), zone)}. Tasks that are there already keep theirs.`
  } catch (error) {
    if (error instanceof CreelError)
      return `Nothing was changed: ${error.message}. ${sentence(error.hint ?? '')}`
    throw error
  }
}

function sentence(text: string): string {
  return text === '' ? '' : `${text[0]?.toUpperCase()}${text.slice(1)}.`
}
