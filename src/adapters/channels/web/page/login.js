const form = document.getElementById('login')
const button = form.querySelector('button')
const problem = document.getElementById('problem')
const token = new URLSearchParams(location.search).get('token') ?? ''

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  button.disabled = true
  problem.hidden = true
  try {
    const response = await fetch('/login', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token }),
    })
    // Replaced, not followed: the link must not stay in the history of the browser.
    if (response.ok) return location.replace('/')
    const { error } = await response.json()
    show(error)
  } catch (error) {
    show(`Creel does not answer (${error.message}). Is it running?`)
  }
  button.disabled = false
})

function show(text) {
  problem.textContent = text
  problem.hidden = false
}
