import { drawChart } from '/app/chart.js';
import { ask, onSubmit, send, session } from '/app/device.js';

const at = (id) => document.getElementById(id);
const SPAN = 600_000;
const MOST_LINES = 500;
const MAY_CHANGE = new Set(['admin', 'owner', 'super']);
const SETTINGS = '/api/db/Setting/thermostat';

let readings = [];
let unit = 'C';
/** Of the settings as they were shown: who saves over another's change is told. */
let tag;

const show = (celsius) =>
  unit === 'F' ? `${((celsius * 9) / 5 + 32).toFixed(1)} °F` : `${celsius.toFixed(1)} °C`;

// Who is here, and what they may.
const isAdmin = MAY_CHANGE.has(session.role);
at('who').textContent = `${session.username} (${session.role})`;
for (const element of document.querySelectorAll('[data-needs="admin"]')) element.hidden = !isAdmin;
at('out').addEventListener('click', async () => {
  await ask('/api/public/logout', { method: 'POST' });
  location.replace('/');
});

// One page at a time, by the address.
const PAGES = { overview: draw, settings: loadSettings, users: isAdmin ? loadUsers : undefined };
function open() {
  const asked = location.hash.slice(1);
  const name = document.querySelector(`[data-page][id="${CSS.escape(asked)}"]`) ? asked : 'overview';
  for (const page of document.querySelectorAll('[data-page]')) page.hidden = page.id !== name;
  for (const link of document.querySelectorAll('nav.tabs a')) {
    if (link.hash === `#${name}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  // The address names a part of the page, which the browser would scroll to.
  scrollTo(0, 0);
  PAGES[name]?.();
}
addEventListener('hashchange', open);
addEventListener('resize', draw);

// What the device tells, as it happens.
let events;
function listen() {
  events = new EventSource('/api/live');
  events.onopen = () => live(true, 'live');
  events.onerror = () => live(false, 'not connected');
  events.addEventListener('reading', ({ data }) => {
    readings = [...readings, JSON.parse(data)].filter(({ time }, _at, all) => time > all.at(-1).time - SPAN);
    draw();
  });
  events.addEventListener('line', ({ data }) => addLine(JSON.parse(data)));
  events.addEventListener('settings', loadSettings);
}
function live(isOn, text) {
  at('dot').classList.toggle('on', isOn);
  at('live').textContent = text;
}

function draw() {
  const last = readings.at(-1);
  if (!last) return;
  at('temperature').textContent = show(last.temperature);
  at('target').textContent = show(last.target);
  at('heating').textContent = last.heating ? 'on' : 'off';
  at('heating').className = last.heating ? 'warm' : '';
  if (at('overview').hidden) return;
  const all = readings.map(({ temperature }) => temperature);
  at('chart-text').textContent =
    `Now ${show(last.temperature)}, between ${show(Math.min(...all))} and ${show(Math.max(...all))}. The dashed line is what is wanted.`;
  drawChart(at('chart'), readings, { span: SPAN, show });
}

function addLine({ time, text }) {
  const lines = at('lines');
  const isAtEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 30;
  lines.append(`${new Date(time).toLocaleTimeString()}  ${text}\n`);
  while (lines.childNodes.length > MOST_LINES) lines.firstChild.remove();
  if (isAtEnd) lines.scrollTop = lines.scrollHeight;
}

async function loadSettings() {
  const { value, etag } = await ask(SETTINGS);
  const form = at('settings');
  unit = value.unit;
  at('device').textContent = document.title = value.room;
  // What somebody is just changing is not taken from under their fingers.
  if (!form.hidden && form.contains(document.activeElement) && document.activeElement.tagName !== 'BUTTON')
    return;
  tag = etag;
  for (const name of ['room', 'target', 'unit']) form.elements[name].value = value[name];
  form.elements.night.checked = value.night;
  for (const element of form.elements) element.disabled = !isAdmin;
  draw();
}
onSubmit(at('settings'), async (form) => {
  const json = {
    room: form.get('room'),
    target: Number(form.get('target')),
    unit: form.get('unit'),
    night: form.has('night'),
  };
  try {
    ({ etag: tag } = await ask(SETTINGS, { method: 'PATCH', json, headers: tag ? { 'if-match': tag } : {} }));
  } catch (error) {
    if (error.status !== 412) throw error;
    at('main').focus();
    await loadSettings();
    throw new Error('Somebody else has changed the settings meanwhile: these are theirs now.');
  }
  unit = json.unit;
  return 'Saved.';
});

at('password-user').value = session.username;
onSubmit(at('password'), async (form) => {
  const { value } = await ask('/api/password', { method: 'POST', json: Object.fromEntries(form) });
  session.xsrf = value.xsrf;
  at('password').reset();
  // The stream of events ended with the old session.
  events.close();
  listen();
  return 'Changed.';
});

onSubmit(at('firmware'), async () => {
  const bar = at('progress');
  bar.hidden = false;
  try {
    const { version } = await send('/api/firmware', new FormData(at('firmware')), (part) => {
      bar.value = part;
    });
    return `Version ${version} is being installed.`;
  } finally {
    bar.hidden = true;
  }
});

async function loadUsers() {
  const { value } = await ask('/api/users');
  at('user-rows').replaceChildren(...value.map(userRow));
}
function userRow({ username, role }) {
  const row = document.createElement('tr');
  for (const text of [username, role]) row.insertCell().textContent = text;
  const remove = document.createElement('button');
  remove.className = 'quiet';
  remove.textContent = 'Remove';
  remove.setAttribute('aria-label', `Remove ${username}`);
  remove.disabled = username === session.username;
  remove.addEventListener('click', async () => {
    if (!confirm(`Remove ${username}?`)) return;
    await ask(`/api/users?name=${encodeURIComponent(username)}`, { method: 'DELETE' });
    await loadUsers();
  });
  row.insertCell().append(remove);
  return row;
}
onSubmit(at('user-form'), async (form) => {
  await ask('/api/users', { method: 'POST', json: Object.fromEntries(form) });
  at('user-form').reset();
  await loadUsers();
  return 'Saved.';
});

const past = await ask('/api/past');
readings = past.value.readings;
at('version').textContent = past.value.version;
for (const line of past.value.lines) addLine(line);
open();
loadSettings();
listen();
