import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { z } from 'zod'
import { sealWithPassphrase, unsealWithPassphrase } from '../adapters/age-vault/sealed-content.ts'
import { CreelError } from '../domain/errors.ts'
import { VaultContent } from '../domain/secret.ts'
import { replaceFile } from '../replace-file.ts'
import { type CliContext, installOf } from './context.ts'
import { print } from './output.ts'
import type { SecretInput } from './secret-input.ts'
import { runCommand } from './session.ts'

type Json = { readonly json?: boolean }

const MIN_PASSPHRASE = 8
const MAX_IMPORT = 4 * 1024 * 1024

/** The commands that work on the vault as a whole. */
export function addVaultFileCommands(vault: Command, context: CliContext, input: SecretInput): void {
  vault
    .command('rotate')
    .description('give the vault a new master key')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
The new key takes the place of the old one in its file. Where Creel may not write it (a Docker secret, a keyring): put
the new key above the old one there, start Creel again, rotate, and take the old one away.`,
    )
    .action(async (options: Json) => {
      const result = await runCommand(installOf(context), 'vault-rotate')
      const { key } = z.object({ key: z.string() }).parse(result)
      print(
        context.output,
        options.json,
        result,
        () => `the vault has a new master key: ${key}; keep a copy of it`,
      )
    })
  vault
    .command('export <file>')
    .description('write every secret to a file that a passphrase opens')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nThe passphrase is asked for twice, or read from a pipe. "age -d" opens the file, too.',
    )
    .action(async (file: string, options: Json) => {
      const install = installOf(context)
      const path = resolve(file)
      if (existsSync(path))
        throw new CreelError('conflict', `${path} exists already`, { hint: 'name another file' })
      const passphrase = await newPassphrase(input, context.signal)
      const result = await runCommand(install, 'vault-export')
      const { content } = z.object({ content: VaultContent }).parse(result)
      replaceFile(path, await sealWithPassphrase(content, passphrase), 0o600)
      const done = { file: path, secrets: content.secrets.length }
      print(context.output, options.json, done, () => `${done.secrets} secrets are in ${path}`)
    })
  vault
    .command('import <file>')
    .description('take over the secrets of an export')
    .option('--replace', 'also those that are there already')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nA login that is renewed can be used in one place only: do not go on with it where it was exported.',
    )
    .action(async (file: string, options: Json & { replace?: boolean }) => {
      const install = installOf(context)
      const sealed = readExport(resolve(file))
      const passphrase = await input.read('the passphrase of the file', context.signal)
      const content = await unsealWithPassphrase(sealed, passphrase)
      const asked = { content, replace: options.replace ?? false }
      const result = await runCommand(install, 'vault-import', asked)
      const { set, kept } = z.object({ set: z.array(z.string()), kept: z.array(z.string()) }).parse(result)
      print(context.output, options.json, result, () =>
        [
          set.length === 0 ? 'nothing was taken over' : `taken over: ${set.join(', ')}`,
          ...(kept.length === 0 ? [] : [`there already, kept as they are: ${kept.join(', ')} (--replace)`]),
        ].join('\n'),
      )
    })
}

async function newPassphrase(input: SecretInput, signal: AbortSignal): Promise<string> {
  const passphrase = await input.read('a passphrase for the file', signal)
  if (passphrase.length < MIN_PASSPHRASE)
    throw new CreelError('invalid', `the passphrase is shorter than ${MIN_PASSPHRASE} characters`)
  if (input.isTerminal && (await input.read('the same again', signal)) !== passphrase)
    throw new CreelError('invalid', 'the two passphrases are not the same; nothing was written')
  return passphrase
}

function readExport(path: string): Uint8Array {
  let sealed: Uint8Array
  try {
    sealed = readFileSync(path)
  } catch (error) {
    throw new CreelError('not_found', `${path} cannot be read`, { cause: error })
  }
  if (sealed.byteLength > MAX_IMPORT) throw new CreelError('invalid', `${path} is too large for an export`)
  return sealed
}
