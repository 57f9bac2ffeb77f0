import { type Agent, type AgentOptions, CodedError, createAgent, type EventStream } from '@ioto/agent';
import { DeviceLog } from './device-log.ts';
import { type Reading, Thermostat } from './thermostat.ts';

const SECOND = 1000;
/** The one item of the model Setting. */
const SETTING = { id: 'thermostat' };
const FIRST_SETTING = { ...SETTING, room: 'Living room', target: 21, unit: 'C', night: true };

/**
 * A thermostat with pages of its own, which need no cloud: the whole logic of the product. Users, sessions, settings and files
 * are the agent's.
 */
export function createThermostat(options: AgentOptions): Agent {
  const agent = createAgent(options);
  const thermostat = new Thermostat();
  const log = new DeviceLog();
  const viewers = new Set<EventStream>();
  const tell = (event: string, data: unknown) => {
    for (const viewer of viewers) viewer.send({ event, data });
  };
  log.onLine((line) => tell('line', line));

  // What the pages ask for. web.json5 lets in only who has the role `user`; what changes more asks for `admin` here.
  agent.web.action('/api/past', () => ({
    version: agent.settings.version,
    readings: thermostat.readings,
    lines: log.lines,
  }));
  agent.web.action('/api/live', (web) => {
    const events = web.events();
    viewers.add(events);
    events.onClose(() => viewers.delete(events));
  });
  agent.web.action('/api/users', { role: 'admin', methods: ['GET', 'POST', 'DELETE'] }, async (web) => {
    if (web.method === 'GET') return agent.web.users.list();
    if (web.method === 'DELETE') {
      const name = web.query.get('name') ?? '';
      await agent.web.users.remove(name);
      log.write(`${web.username} has removed the user ${name}`);
      return undefined;
    }
    const user = userOf(await web.body.json());
    await agent.web.users.put(user);
    log.write(`${web.username} has set up the user ${user.username} (${user.role})`);
    return undefined;
  });
  agent.web.action('/api/password', { role: 'user', methods: ['POST'] }, async (web) => {
    const { current, next } = (await web.body.json()) as Record<string, unknown>;
    const { username = '', role = '' } = web;
    if (!(await agent.web.users.verify(username, String(current), web.address))) {
      throw new CodedError('PASSWORD_WRONG', 'The present password is another one.', { status: 400 });
    }
    await agent.web.users.put({ username, password: String(next) });
    // The sessions of the old password have ended, this one among them.
    web.signIn(username, role);
    log.write(`${username} has another password`);
    return { xsrf: web.session.xsrf };
  });
  agent.web.action('/api/firmware', { role: 'admin', methods: ['POST'] }, async (web) => {
    const { fields, files } = await web.body.uploads();
    const [image] = files;
    if (!image) throw new CodedError('IMAGE_MISSING', 'Choose the file of the image.', { status: 400 });
    const [version, signature] = ['version', 'signature'].map((name) => fields.get(name)?.trim() ?? '');
    try {
      await agent.updates.install({ path: image.path, version: version ?? '', signature: signature ?? '' });
    } catch (error) {
      // What is wrong with an image is for whoever brought it; anything else is a fault of ours.
      if (error instanceof CodedError && error.code.startsWith('UPDATE_')) {
        throw new CodedError(error.code, error.message, { status: error.code === 'UPDATE_BUSY' ? 409 : 400 });
      }
      throw error;
    }
    return { version };
  });

  // What goes on, for the page of the log.
  agent.on('web:signed-in', ({ username }) => log.write(`${username} has signed in`));
  agent.on('web:sign-in-failed', ({ address }) => log.write(`somebody at ${address} could not sign in`));
  agent.on('update:ended', ({ version, outcome, message }) =>
    log.write(outcome === 'applied' ? `version ${version} is installed` : `version ${version}: ${message}`),
  );
  // A product writes the image to its other partition here, and restarts.
  agent.on('device:update', ({ version, preventDefault, finish }) => {
    preventDefault();
    log.write(`version ${version} is being installed`);
    setTimeout(finish, 2 * SECOND);
  });

  let timer: NodeJS.Timeout | undefined;
  agent.on('local:ready', async () => {
    if (!agent.db.get('Setting', SETTING)) await agent.db.create('Setting', FIRST_SETTING);
    // Pages look at what people type; whatever else asks the database is told here.
    agent.db.beforeChange('Setting', ({ item }) => {
      const target = Number(item?.target);
      if (item && !(target >= 5 && target <= 30)) {
        throw new CodedError('TARGET_INVALID', 'The wanted temperature is from 5 to 30 degrees.', {
          status: 400,
        });
      }
    });
    agent.db.afterChange('Setting', () => {
      log.write('the settings have changed');
      tell('settings', null);
    });
    log.write('started');
    let wasHeating = false;
    const step = () => {
      const { target, night } = (agent.db.get('Setting', SETTING) ?? FIRST_SETTING) as typeof FIRST_SETTING;
      const reading: Reading = thermostat.step({ target, night }, new Date());
      if (reading.heating !== wasHeating) log.write(`the heating is ${reading.heating ? 'on' : 'off'}`);
      wasHeating = reading.heating;
      tell('reading', reading);
    };
    step();
    timer = setInterval(step, SECOND);
    timer.unref();
  });
  return agent;
}

function userOf(value: unknown): { username: string; password: string; role: string } {
  const { username, password, role } = (value ?? {}) as Record<string, unknown>;
  if (typeof username !== 'string' || typeof password !== 'string' || (role !== 'user' && role !== 'admin')) {
    throw new CodedError('USER_INVALID', 'A user needs a name, a password and a role.', { status: 400 });
  }
  return { username, password, role };
}
