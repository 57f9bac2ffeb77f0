import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { FirstLogin } from '@ioto/cloud';
import { readTextIfPresent, writeFileDurably } from '@ioto/runtime';
import type { CloudSession } from './cloud-session.ts';

/** What the demo makes once in its cloud: a product, and somebody to own devices of it. */
export interface DemoSite {
  product: string;
  accountId: string;
  email: string;
  password: string;
}

/**
 * The demo's product, account and user, as kept in `DIR/demo.json` (mode 0600), made at the first start. The user is the
 * owner that the cloud's first start made, whose password is shown only once. Each part is written down as soon as it
 * exists, so that a start that was cut short goes on where it was; if the owner was lost by that, another is made.
 */
export async function demoSite(
  directory: string,
  admin: CloudSession,
  firstLogin: FirstLogin | undefined,
): Promise<DemoSite> {
  const path = join(directory, 'demo.json');
  const site = JSON.parse((await readTextIfPresent(path)) ?? '{}') as Partial<DemoSite>;
  const keep = async (part: Partial<DemoSite>) => {
    Object.assign(site, part);
    await writeFileDurably(path, `${JSON.stringify(site, null, 2)}\n`);
  };
  if (!site.password && firstLogin) await keep(firstLogin);
  if (!site.product) {
    const product = await admin.post<{ id: string }>('/product/create', { name: 'Demo' });
    await keep({ product: product.id });
  }
  if (!site.accountId) {
    const account = await admin.post<{ id: string }>('/account/create', { name: 'Demo' });
    await keep({ accountId: account.id });
  }
  if (!site.password) {
    const login = {
      email: `demo-${randomBytes(2).toString('hex')}@example.com`,
      password: randomBytes(9).toString('base64url'),
    };
    await admin.post('/user/create', { ...login, role: 'owner', accountId: site.accountId });
    await keep(login);
  }
  return site as DemoSite;
}
