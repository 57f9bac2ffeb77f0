/** Who is signed in; the token goes along with whatever changes something. */
export const session = await fetch('/api/public/login').then((answer) => answer.json());
if (!session.signedIn) location.replace('/login.html');

/** Asks the device. Throws with its own words where it does not do so. */
export async function ask(path, { method = 'GET', json, headers } = {}) {
  const answer = await fetch(path, {
    method,
    cache: 'no-store',
    headers: {
      accept: 'application/json',
      ...(method !== 'GET' && { 'x-xsrf-token': session.xsrf }),
      ...(json !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(json !== undefined && { body: JSON.stringify(json) }),
  });
  if (answer.status === 401) location.replace('/login.html?next=/app/');
  const value = answer.status === 204 ? undefined : await answer.json().catch(() => undefined);
  if (!answer.ok) {
    throw Object.assign(new Error(value?.error?.message ?? `The device says ${answer.status}.`), {
      status: answer.status,
    });
  }
  return { value, etag: answer.headers.get('etag') };
}

/** Sends a form with files, telling how far it is. */
export function send(path, form, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', path);
    request.setRequestHeader('x-xsrf-token', session.xsrf);
    request.setRequestHeader('accept', 'application/json');
    request.responseType = 'json';
    request.upload.onprogress = ({ loaded, total }) => progress(loaded / total);
    request.onerror = () => reject(new Error('The device does not answer.'));
    request.onload = () => {
      if (request.status < 300) resolve(request.response);
      else reject(new Error(request.response?.error?.message ?? `The device says ${request.status}.`));
    };
    request.send(form);
  });
}

/** Does what a form is for, with its button off meanwhile, and says how it ended. */
export function onSubmit(form, act) {
  const said = form.querySelector('[data-said]');
  const button = form.querySelector('button');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    button.disabled = true;
    said.textContent = '';
    try {
      said.textContent = await act(new FormData(form));
      said.className = 'said good';
    } catch (error) {
      said.textContent = error.message;
      said.className = 'said bad';
    } finally {
      button.disabled = false;
    }
  });
}
