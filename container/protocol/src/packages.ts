/** Where packages of an agent's image come from. */
export const PACKAGE_MANAGERS = ['apt', 'npm', 'pip'] as const
export type PackageManager = (typeof PACKAGE_MANAGERS)[number]

/** Packages that one request may name, and those that one agent may have in all. */
export const MAX_ASKED_PACKAGES = 30
export const MAX_PACKAGES = 100

/**
 * What each package manager is given, word for word: a name, and a version if wanted. No option, path, address, alias,
 * pattern or tag fits; nor what its program would take for a file (`x.tgz`), or apt for a removal: `x-`, and `x=1-` as
 * well, for it looks at the last character of the whole.
 */
const FORMS: Readonly<Record<PackageManager, { form: RegExp; versionMark: string; example: string }>> = {
  apt: {
    form: /^([a-z0-9][a-z0-9+.-]{0,98}[a-z0-9+])(?:=([0-9](?:[A-Za-z0-9.+~:-]{0,98}[A-Za-z0-9~])?))?$/,
    versionMark: '=',
    example: '"jq" or "jq=1.6-2.1"',
  },
  npm: {
    form: /^((?:@[a-z0-9][a-z0-9._-]{0,98}\/)?[a-z0-9][a-z0-9._-]{0,98})(?:@(\d{1,9}(?:\.\d{1,9}){0,2}(?:-[0-9A-Za-z.-]{1,50})?))?$/,
    versionMark: '@',
    example: '"prettier", "prettier@3.6.2" or "@scope/name"',
  },
  pip: {
    form: /^([A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?)(?:==(\d{1,9}(?:\.\d{1,9}){0,5}(?:(?:a|b|rc|\.post|\.dev)\d{1,9}){0,3}))?$/,
    versionMark: '==',
    example: '"openpyxl" or "openpyxl==3.1.5"',
  },
}

const LIKE_A_FILE = /\.(?:tgz|tar|gz|zip|whl|bz2|xz|deb)$/i

export interface PackageName {
  readonly name: string
  readonly version: string | undefined
  /** The one way to write it. */
  readonly text: string
}

/** What is expected of one, in words for who writes it. */
export function packageForm(manager: PackageManager): string {
  const what = manager === 'apt' ? 'an apt' : manager === 'npm' ? 'an npm' : 'a pip'
  return `the bare name of ${what} package, with an exact version if need be, such as ${FORMS[manager].example}; no option, address, path, pattern or tag`
}

/** Reads one package as its manager is to be given it; a text when it is none, in words for who wrote it. */
export function readPackage(manager: PackageManager, text: string): PackageName | string {
  const { form, versionMark } = FORMS[manager]
  const trimmed = text.trim()
  const [, found, version] = form.exec(trimmed) ?? []
  if (found === undefined || LIKE_A_FILE.test(trimmed))
    return `${JSON.stringify(trimmed.slice(0, 100))}: expected ${packageForm(manager)}`
  // The index of Python knows one package under many spellings.
  const name = manager === 'pip' ? found.toLowerCase().replace(/[-_.]+/g, '-') : found
  return { name, version, text: version === undefined ? name : `${name}${versionMark}${version}` }
}
