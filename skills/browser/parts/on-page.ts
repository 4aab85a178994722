import type { Locator, Page } from 'playwright-core'

/** What stands in front of a selector in place of a name. */
const SELECTOR = 'css:'
const MAX_NAMES = 24
const FIELDS = ['textbox', 'searchbox', 'combobox', 'spinbutton'] as const
const CLICKABLE = ['button', 'link', 'tab', 'checkbox', 'radio', 'menuitem', 'switch', 'option'] as const

/** The field with this label, placeholder or name. Waits for it; rejects when there is none. */
export function findField(page: Page, name: string): Promise<Locator> {
  return find(page, name, (exact) => [
    page.getByLabel(name, { exact }),
    page.getByPlaceholder(name, { exact }),
    ...FIELDS.map((role) => page.getByRole(role, { name, exact })),
  ])
}

/** What can be clicked under this name, else any text. Waits for it; rejects when there is none. */
export function findClickable(page: Page, name: string): Promise<Locator> {
  return find(page, name, (exact) => [
    ...CLICKABLE.map((role) => page.getByRole(role, { name, exact })),
    page.getByLabel(name, { exact }),
    page.getByText(name, { exact }),
  ])
}

/** What is there to be named, for whoever named something that is not. */
export async function namesOn(page: Page): Promise<readonly string[]> {
  const seen = await page.locator('body').ariaSnapshot()
  const parts = /- '?((?:button|link|textbox|searchbox|combobox|checkbox|radio|tab) "[^"\n]{1,60}")/g
  return [...new Set([...seen.matchAll(parts)].map(([, part]) => part ?? ''))].slice(0, MAX_NAMES)
}

/** The first that is there and can be seen, the whole name before a part of it. */
async function find(
  page: Page,
  name: string,
  places: (exact: boolean) => readonly Locator[],
): Promise<Locator> {
  if (name.startsWith(SELECTOR)) return page.locator(name.slice(SELECTOR.length)).first()
  const all = [true, false].flatMap(places).map((one) => one.filter({ visible: true }).first())
  const any = all.reduce((one, other) => one.or(other)).first()
  await any.waitFor({ state: 'visible' }).catch((cause: unknown) => {
    throw new Error(`nothing that can be seen has the name ${name}`, { cause })
  })
  for (const one of all) if ((await one.count()) > 0) return one
  throw new Error(`${name} is gone again`)
}
