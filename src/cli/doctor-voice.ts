import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { z } from 'zod'
import { PROGRAM_PATH } from '../adapters/transcription/command-transcriber.ts'
import type { Install } from '../config/load.ts'
import { transcriptionCommand } from '../voice-parts.ts'
import { type Finding, ok } from './finding.ts'
import { runCommand } from './session.ts'

const Names = z.object({ secrets: z.array(z.object({ name: z.string() })) })

/** Whether what is to transcribe voice messages is there; nothing is run. */
export async function checkVoice(install: Install): Promise<Finding[]> {
  const { base_url, secret } = install.config.transcription
  const command = transcriptionCommand(install)
  if (command) return [checkProgram(command[0])]
  if (base_url === '') return [ok('voice', 'not transcribed ([transcription] in creel.toml)')]
  if (secret === '') return [ok('voice', `transcribed at ${base_url}, without a key`)]
  const { secrets } = Names.parse(await runCommand(install, 'vault-list'))
  if (secrets.some(({ name }) => name === secret)) return [ok('voice', `transcribed at ${base_url}`)]
  const text = `[transcription] names the secret ${secret}, which is not in the vault`
  return [{ check: 'voice', level: 'problem', text, hint: `./creel vault set ${secret}` }]
}

function checkProgram(program: string): Finding {
  const places = program.includes('/')
    ? [program]
    : PROGRAM_PATH.split(delimiter).map((folder) => join(folder, program))
  const found = places.find(isExecutable)
  if (found !== undefined) return ok('voice', `transcribed by ${found}`)
  const text = `the program of [transcription] is not there or may not be run: ${program}`
  const hint = `name it by its whole path in creel.toml, or put it into one of ${PROGRAM_PATH}`
  return { check: 'voice', level: 'problem', text, hint }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false
    throw error
  }
}
