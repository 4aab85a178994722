const list = document.getElementById('agents')

/** Asks for the agents; null when nobody answers, which the connection reports on its own. */
export async function loadAgents() {
  try {
    const response = await fetch('/api/agents', { signal: AbortSignal.timeout(10_000) })
    if (!response.ok) return null
    return (await response.json()).agents
  } catch (error) {
    console.info('agents not loaded', error)
    return null
  }
}

/** Lists the agents and says which one is open. */
export function showAgents(agents, open) {
  document.getElementById('app').classList.toggle('single', agents.length < 2)
  list.replaceChildren(...agents.map((agent) => makeItem(agent, agent.name === open)))
  const agent = agents.find((one) => one.name === open)
  const state = document.getElementById('state')
  state.textContent = agent === undefined ? '' : `${agent.state} · ${agent.provider}`
  state.dataset.state = agent === undefined ? '' : kindOf(agent)
}

function makeItem(agent, isOpen) {
  const item = document.createElement('li')
  const link = document.createElement('a')
  link.href = `#${agent.name}`
  link.dataset.state = kindOf(agent)
  link.title = `${agent.name}: ${agent.state}`
  if (isOpen) link.setAttribute('aria-current', 'page')
  const name = document.createElement('span')
  name.className = 'name'
  name.textContent = agent.name
  const state = document.createElement('span')
  state.className = 'what'
  state.textContent = agent.state
  link.append(name, state)
  item.append(link)
  return item
}

function kindOf(agent) {
  return agent.state.split(':', 1)[0]
}
