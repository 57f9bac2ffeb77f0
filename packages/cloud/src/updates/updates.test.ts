import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import type { UpdateAnswer } from '@ioto/protocol';
import type { ApiAnswer } from '@ioto/testkit/api-call';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CloudWorld, type WorldDevice } from '../websocket/cloud-world.fixture.ts';
import { LARGEST_PIECE } from './uploads.ts';

let world: CloudWorld;
let account: string;
let device: WorldDevice;
beforeAll(async () => {
  world = await CloudWorld.create();
  account = await world.account();
  device = await world.device(account);
});
afterAll(() => world[Symbol.asyncDispose]());

interface Fetched {
  status: number;
  headers: Record<string, unknown>;
  body: Buffer;
}

/** As agents fetch an image: with nothing but the URL. */
function fetchImage(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Fetched> {
  return new Promise((resolve, reject) => {
    const ca = world.cloud.place().authority;
    request(url, { method, headers, ca, agent: false }, (answer) => {
      answer.toArray().then((pieces) => {
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(pieces) });
      }, reject);
    })
      .on('error', reject)
      .end();
  });
}

async function upload(
  bytes: Buffer | '',
  query = '',
  bearer = world.cloud.place().adminKey,
): Promise<ApiAnswer> {
  const url = `${world.cloud.place().api}/tok/update/upload${query}`;
  const headers = { authorization: `bearer ${bearer}`, 'content-type': 'application/octet-stream' };
  return new Promise((resolve, reject) => {
    request(url, { method: 'POST', headers, ca: world.cloud.place().authority, agent: false }, (answer) => {
      answer.toArray().then((pieces) => {
        const text = Buffer.concat(pieces).toString();
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, json: JSON.parse(text), text });
      }, reject);
    })
      .on('error', reject)
      .end(bytes);
  });
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

async function publish(version: string, image: Buffer, more: object = {}): Promise<ApiAnswer> {
  const { json } = await upload(image);
  const answer = await world.admin('/update/publish', {
    ...{ product: world.product, version, upload: json.upload },
    ...{ size: image.length, sha256: sha256(image), ...more },
  });
  if (answer.status >= 300) await world.admin('/update/drop', { upload: json.upload });
  return answer;
}

const change = (version: string, facts: object) =>
  world.admin('/update/update', { product: world.product, version, ...facts });

function checkIn(more: object = {}, who = device): Promise<ApiAnswer> {
  const body = {
    id: who.id,
    product: world.product,
    name: 'Lamp',
    iotoVersion: '3.0.0',
    version: '1.0.0',
    ...more,
  };
  return world.signed('/tok/provision/update', who.token, body, who.identity);
}

const image = Buffer.from('the new software '.repeat(1000));

describe('an update', () => {
  it('is published by the operator and handed out to a device that it is for', async () => {
    expect((await checkIn()).json).toEqual({});
    const signature = Buffer.alloc(64, 7).toString('base64');
    const made = await publish('1.1.0', image, { policy: "model == 'L2'", signature, description: 'Better' });
    expect(made).toMatchObject({
      status: 201,
      json: { version: '1.1.0', enabled: true, size: image.length, description: 'Better' },
    });
    expect(made.json.blob).toBeUndefined();
    expect((await checkIn()).json).toEqual({});
    const { json } = await checkIn({ model: 'L2' });
    expect(json).toMatchObject({ version: '1.1.0', checksum: sha256(image), signature, size: image.length });
    const { status, headers, body } = await fetchImage(String(json.url));
    expect({ status, same: body.equals(image) }).toEqual({ status: 200, same: true });
    expect(headers).toMatchObject({
      'content-length': String(image.length),
      'accept-ranges': 'bytes',
      etag: `"${sha256(image)}"`,
    });
    expect((await world.admin('/update/find', { product: world.product })).json.items).toHaveLength(1);
    await world.admin('/update/remove', { product: world.product, version: '1.1.0' });
  });

  it('is told to an agent of the field in the three words that it knows', async () => {
    await publish('1.2.0', image);
    const old = await world.oldDevice(account);
    const body = { id: old.id, product: world.product, version: '1.0', iotoVersion: '3.0.0' };
    const { status, json } = await world.post('/tok/provision/update', old.token, body, { 'ioto-agent': '' });
    expect({ status, names: Object.keys(json) }).toEqual({
      status: 200,
      names: ['url', 'version', 'checksum'],
    });
    expect((await fetchImage(String(json.url))).body.equals(image)).toBe(true);
    const show = async () => (await world.admin('/device/get', { id: old.id })).json.software;
    expect(await show()).toEqual({ version: '1.0', iotoVersion: '3.0.0', offered: '1.2.0' });
    // It gives no word of how it went, but comes back with another version.
    await world.post('/tok/provision/update', old.token, { ...body, version: '1.2.0' }, { 'ioto-agent': '' });
    expect(await show()).toMatchObject({
      version: '1.2.0',
      result: { version: '1.2.0', outcome: 'applied' },
    });
    await world.admin('/update/remove', { product: world.product, version: '1.2.0' });
  });

  it('is no longer handed out, nor fetched by an older URL, when it is withdrawn', async () => {
    await publish('1.3.0', image);
    const { url } = (await checkIn()).json as UpdateAnswer;
    await change('1.3.0', { enabled: false });
    expect((await checkIn()).json).toEqual({});
    expect((await fetchImage(url)).status).toBe(404);
    await change('1.3.0', { enabled: true, policy: "version >= '1.0.0'" });
    expect((await fetchImage(url)).status).toBe(200);
    expect((await change('1.3.0', { policy: 'version >=' })).json).toMatchObject({
      code: 'UPDATE_POLICY_INVALID',
      error: expect.stringContaining('column 11'),
    });
    await world.admin('/update/remove', { product: world.product, version: '1.3.0' });
    expect((await fetchImage(url)).status).toBe(404);
    // Another image under that version is not what the URL was for.
    await publish('1.3.0', Buffer.from('other'));
    expect((await fetchImage(url)).status).toBe(404);
    await world.admin('/update/remove', { product: world.product, version: '1.3.0' });
    expect(await readdir(join(world.state, 'blobs'))).toEqual([]);
  });

  it('is fetched in parts, as HTTP has it', async () => {
    await publish('1.4.0', image);
    const { url } = (await checkIn()).json as UpdateAnswer;
    const etag = `"${sha256(image)}"`;
    const part = await fetchImage(url, { range: 'bytes=5-9', 'if-range': etag });
    expect(part).toMatchObject({ status: 206, body: image.subarray(5, 10) });
    expect(part.headers['content-range']).toBe(`bytes 5-9/${image.length}`);
    const rest = await fetchImage(url, { range: `bytes=${image.length - 3}-` });
    expect(rest).toMatchObject({ status: 206, body: image.subarray(-3) });
    expect((await fetchImage(url, { range: 'bytes=5-9', 'if-range': '"other"' })).status).toBe(200);
    const beyond = await fetchImage(url, { range: `bytes=${image.length}-` });
    expect(beyond).toMatchObject({ status: 416, headers: { 'content-range': `bytes */${image.length}` } });
    expect((await fetchImage(url, { 'if-none-match': etag })).status).toBe(304);
    const head = await fetchImage(url, {}, 'HEAD');
    expect(head).toMatchObject({ status: 200, body: Buffer.alloc(0) });
    expect(head.headers).toMatchObject({ 'content-length': String(image.length), etag });
    expect((await fetchImage(url.replace('1.4.0', '1.4.1'))).status).toBe(403);
    expect((await fetchImage(url.split('?')[0] ?? '')).status).toBe(400);
    await world.admin('/update/remove', { product: world.product, version: '1.4.0' });
  });

  it('keeps its version: what devices may run is not changed under them', async () => {
    await publish('1.5.0', image);
    expect((await publish('1.5.0', Buffer.from('other'))).json).toMatchObject({ code: 'UPDATE_EXISTS' });
    await world.admin('/update/remove', { product: world.product, version: '1.5.0' });
    const gone = await change('1.5.0', { enabled: true });
    expect(gone).toMatchObject({ status: 404, json: { code: 'UPDATE_UNKNOWN' } });
  });

  it.each([
    [{ version: 'one' }, 'UPDATE_VERSION_INVALID'],
    [{ product: 'a/b' }, 'UPDATE_PRODUCT_INVALID'],
    [{ signature: 'x' }, 'UPDATE_SIGNATURE_INVALID'],
    [{ policy: 'eval(1)' }, 'UPDATE_POLICY_INVALID'],
    [{ size: 1 }, 'BLOB_SIZE'],
    [{ size: 10 ** 6 }, 'BLOB_SIZE'],
    [{ sha256: '0'.repeat(64) }, 'BLOB_CHECKSUM'],
    [{ upload: '../keys/admin.key' }, 'UPLOAD_UNKNOWN'],
    [{ size: 3 * 1024 ** 3 }, 'REQUEST_INVALID'],
  ])('is not made of %j', async (wrong, code) => {
    expect((await publish('9.0.0', image, wrong)).json).toMatchObject({ code });
    expect(await readdir(join(world.state, 'blobs'))).toEqual([]);
  });

  it('is not for everybody to publish: the software of a product reaches the devices of every account', async () => {
    const { login } = await world.user(account, 'owner');
    const body = { product: world.product, version: '1.0.0' };
    expect((await world.post('/update/remove', login, body)).status).toBe(403);
    expect((await world.post('/update/find', login, {})).status).toBe(403);
    expect((await upload(Buffer.from('x'), '', login)).status).toBe(403);
    expect((await upload(Buffer.from('x'), '', 'nonsense')).status).toBe(401);
  });
});

describe('an upload', () => {
  it('comes in pieces, and goes on where it was', async () => {
    const { upload: id } = (await upload('')).json;
    const at = (offset: number) => `?upload=${id}&offset=${offset}`;
    expect((await upload(Buffer.from('hello'), at(0))).json).toMatchObject({ upload: id, size: 5 });
    expect(await upload(Buffer.from('x'), at(3))).toMatchObject({
      status: 409,
      json: { code: 'UPLOAD_OFFSET', error: expect.stringContaining('5 bytes') },
    });
    expect((await upload('', `?upload=${id}`)).json).toEqual({ upload: id, size: 5 });
    expect((await upload(Buffer.from(' world'), at(5))).json).toMatchObject({ size: 11 });
    const bytes = Buffer.from('hello world');
    const facts = { product: world.product, version: '2.0.0', upload: id, size: 11, sha256: sha256(bytes) };
    expect((await world.admin('/update/publish', facts)).status).toBe(201);
    expect((await upload('', `?upload=${id}`)).json).toMatchObject({ code: 'UPLOAD_UNKNOWN' });
    await world.admin('/update/remove', { product: world.product, version: '2.0.0' });
  });

  it('is bounded: in what a piece holds, and in how many there are', async () => {
    const large = await upload(Buffer.alloc(LARGEST_PIECE + 1));
    expect(large).toMatchObject({ status: 413, json: { code: 'BODY_TOO_LARGE' } });
    let last: ApiAnswer;
    do last = await upload('');
    while (last.status === 200);
    expect(last).toMatchObject({ status: 429, json: { code: 'UPLOAD_LIMIT' } });
  });
});

describe('a device that checks in', () => {
  it('is known by its token and its signature', async () => {
    const body = { id: device.id, version: '1.0.0' };
    expect((await world.post('/tok/provision/update', device.token, body)).json).toMatchObject({
      code: 'SIGNATURE_MISSING',
    });
    const void1 = await world.post('/tok/provision/update', 'x', body, { 'ioto-agent': '' });
    expect(void1).toMatchObject({ status: 401, text: 'Authentication failed' });
  });

  it('reports how its update ended: its owner sees it, and the next owner does not', async () => {
    const mine = await world.device(account);
    const update = { version: '2.0.0', outcome: 'failed', code: 'UPDATE_SCRIPT', message: 'exit code 1' };
    await checkIn({ update }, mine);
    await checkIn({ update }, mine);
    const shown = (await world.admin('/device/get', { id: mine.id })).json;
    expect(shown.software).toMatchObject({ version: '1.0.0', result: update });
    const audit = await world.admin('/audit/find', { accountId: account });
    const reports = (audit.json.items as { action: string; deviceId: string; details: object }[]).filter(
      ({ action, deviceId }) => action === 'update.reported' && deviceId === mine.id,
    );
    expect(reports).toMatchObject([{ details: update }]);
    const strange = await checkIn({ update: { version: '2.0.0', outcome: 'perhaps' } }, mine);
    expect(strange).toMatchObject({ status: 400, json: { code: 'REQUEST_INVALID' } });
    await world.release(mine.id);
    const other = await world.account('Next');
    await world.admin('/device/claim', { id: mine.id, accountId: other });
    expect((await world.admin('/device/get', { id: mine.id })).json.software).toBeUndefined();
  });

  it('that asks without an end is told to stay away', async () => {
    const busy = await world.oldDevice(account);
    const ask = () =>
      world.post(
        '/tok/provision/update',
        busy.token,
        { id: busy.id, version: '1.0.0' },
        { 'ioto-agent': '' },
      );
    let answer = await ask();
    for (let asked = 0; asked < 60; asked += 1) answer = await ask();
    expect(answer).toMatchObject({
      status: 200,
      json: { code: 'UPDATE_TOO_OFTEN', delay: expect.any(Number) },
    });
  });
});
