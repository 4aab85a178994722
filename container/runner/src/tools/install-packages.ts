import { MAX_ASKED_PACKAGES, PACKAGE_MANAGERS, type PackageManager, readPackage } from '@creel/protocol'
import * as z from 'zod'
import { askResult } from './ask-result.ts'
import { defineTool, ToolRefusal } from './tool.ts'

const names = (what: string) =>
  z.array(z.string().min(1).max(300)).max(MAX_ASKED_PACKAGES).default([]).describe(what)

export const installPackages = defineTool({
  name: 'install_packages',
  description: [
    'Asks the owner to install packages into your sandbox: Debian packages (apt), npm packages, Python packages (pip).',
    'Use it when the work needs a program or library that is not there; nothing can be installed from within the sandbox.',
    'They stay for good. It returns at once: after a yes they are installed, which takes a minute or two, your sandbox is started anew with them, and a message of Creel says so, or why not.',
    'Install scripts of npm are not run, and Python packages come as wheels alone: look for an apt package where one needs more.',
  ].join(' '),
  args: z.strictObject({
    apt: names('Names of Debian packages, such as "jq" or "jq=1.6-2.1".'),
    npm: names(
      'Names of npm packages, such as "prettier" or "prettier@3.6.2"; found by import from every folder.',
    ),
    pip: names('Names of Python packages, such as "openpyxl" or "openpyxl==3.1.5".'),
    reason: z
      .string()
      .trim()
      .min(1)
      .max(300)
      .describe('One plain sentence that the owner reads: what you need them for.'),
  }),
  example:
    '{"apt": ["pandoc"], "pip": ["openpyxl"], "reason": "To turn your notes into the spreadsheet you asked for."}',
  readOnly: false,
  run: async ({ apt, npm, pip, reason }, { open }) => {
    const asked = { apt: read('apt', apt), npm: read('npm', npm), pip: read('pip', pip) }
    const all = PACKAGE_MANAGERS.flatMap((manager) => asked[manager].map((name) => `${manager}:${name}`))
    if (all.length === 0)
      throw new ToolRefusal('Not asked: name at least one package, under apt, npm or pip.')
    if (all.length > MAX_ASKED_PACKAGES)
      throw new ToolRefusal(
        `Not asked: at most ${MAX_ASKED_PACKAGES} packages in one request. Name those that you need; what they depend on comes along.`,
      )
    const result = await open.ask({ kind: 'packages', ...asked, reason })
    return askResult(result, `The owner is asked to install ${all.join(', ')}.`)
  },
})

function read(manager: PackageManager, names: readonly string[]): string[] {
  return names.map((text) => {
    const name = readPackage(manager, text)
    if (typeof name === 'string') throw new ToolRefusal(`Not asked: ${manager}: ${name}.`)
    return name.text
  })
}
