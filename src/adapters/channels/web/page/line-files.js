/** Largest picture in the log, in CSS pixels. */
const MAX_WIDTH = 320
const MAX_HEIGHT = 320

/** The files of a line: pictures as pictures, sounds to be played, everything as a link that saves it. */
export function makeFiles(files) {
  const list = document.createElement('div')
  list.className = 'files'
  list.append(
    ...files.flatMap((file) => (file.sound ? [makePlayer(file), makeFile(file)] : [makeFile(file)])),
  )
  return list
}

/** Files that are still on this side: names only. */
export function makeUnsentFiles(files) {
  return makeFiles(
    files.map(({ file }) => ({ name: file.name, size: sizeText(file.size), url: null, image: null })),
  )
}

function makeFile({ name, size, url, image }) {
  const element = document.createElement(url === null ? 'span' : 'a')
  element.className = 'file'
  if (url !== null) {
    element.href = url
    element.download = name
  }
  if (image !== null && url !== null) element.append(makePicture(name, url, image))
  const label = document.createElement('span')
  label.className = 'file-name'
  label.textContent = name
  const about = document.createElement('span')
  about.className = 'file-size'
  about.textContent = size
  element.append(label, about)
  return element
}

// The size is known before the bytes are here, so that the log does not jump.
function makePicture(name, url, { width, height }) {
  const scale = Math.min(1, MAX_WIDTH / width, MAX_HEIGHT / height)
  const picture = document.createElement('img')
  picture.alt = name
  picture.width = Math.max(1, Math.round(width * scale))
  picture.height = Math.max(1, Math.round(height * scale))
  picture.loading = 'lazy'
  picture.src = url
  picture.addEventListener('error', () => picture.replaceWith('This picture is not kept any more. '))
  return picture
}

// Nothing is fetched before somebody wants to hear it.
function makePlayer({ name, url }) {
  const player = document.createElement('audio')
  player.controls = true
  player.preload = 'none'
  player.title = name
  player.src = url
  return player
}

export function sizeText(bytes) {
  if (bytes < 1_000) return `${bytes} bytes`
  return bytes < 999_500 ? `${Math.round(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}
