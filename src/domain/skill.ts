/** Whether a text can be a skill's name, and so a folder's: lower case, digits and single dashes, 64 characters. */
export function isSkillName(text: string): boolean {
  return text.length <= 64 && /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(text)
}
