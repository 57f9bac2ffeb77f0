const PHASES = {
  starting: 'It is starting.',
  local: 'It works by itself. No cloud knows it yet.',
  registered: 'It is waiting for its owner.',
  claimed: 'It has an owner, and waits for its certificate.',
  provisioned: 'It connects to its cloud.',
  connected: 'It is connected to its cloud.',
  ready: 'It is connected to its cloud.',
};
const at = (id) => document.getElementById(id);

async function show() {
  try {
    const answer = await fetch('/api/status', { cache: 'no-store' });
    const { name, phase, claimed, id } = await answer.json();
    if (name) at('name').textContent = document.title = name;
    at('state').textContent = PHASES[phase] ?? '';
    const isOffered = !claimed && id !== undefined;
    if (isOffered && at('claim').hidden) {
      at('id').textContent = id.replace(/^(.{5})/, '$1-');
      at('code').src = '/api/claim.svg';
    }
    at('claim').hidden = !isOffered;
  } catch {
    at('state').textContent = 'The device does not answer.';
  }
}

show();
setInterval(show, 3000);
