/** What an image can hold beside the usual, and a skill can need: `metadata: { creel-image: browser }` in its SKILL.md. */
export const IMAGE_PARTS = ['browser'] as const
export type ImagePart = (typeof IMAGE_PARTS)[number]

/** Those that a container.json asks for. */
export function imageParts(config: {
  readonly image: Readonly<Record<ImagePart, boolean>>
}): readonly ImagePart[] {
  return IMAGE_PARTS.filter((part) => config.image[part])
}

/** Whether a text can be a skill's name, and so a folder's: lower case, digits and single dashes, 64 characters. */
export function isSkillName(text: string): boolean {
  return text.length <= 64 && /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(text)
}
