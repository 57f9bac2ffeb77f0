const at = (id) => document.getElementById(id);
const LOGIN = '/api/public/login';
let isFirst = false;

/** Where to go afterwards: a path of this device, and nothing else. */
function next() {
  const asked = new URLSearchParams(location.search).get('next') ?? '';
  return /^\/(?![/\\])/.test(asked) ? asked : '/app/';
}

function say(text) {
  at('said').textContent = text;
}

const now = await fetch(LOGIN)
  .then((answer) => answer.json())
  .catch(() => ({}));
if (now.signedIn) location.replace(next());
isFirst = now.setup === true;
if (isFirst) {
  at('title').textContent = 'Welcome';
  at('go').textContent = 'Begin';
  at('password').autocomplete = 'new-password';
  at('password').minLength = 10;
  at('again').required = true;
}
for (const id of ['why', 'rule', 'twice']) at(id).hidden = !isFirst;
at('username').focus();

at('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const [username, password] = [at('username').value, at('password').value];
  if (isFirst && password !== at('again').value) return say('The two passwords differ.');
  at('go').disabled = true;
  say('');
  try {
    const answer = await fetch(LOGIN, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username, password }),
    });
    if (answer.ok) return location.replace(next());
    const { error } = await answer.json().catch(() => ({}));
    say(error?.message ?? 'That did not work.');
  } catch {
    say('The device does not answer.');
  } finally {
    at('go').disabled = false;
  }
});
