import { Type } from 'typebox';
import type { Guards } from '../http/guards.ts';
import type { HttpApp } from '../http/http-app.ts';
import { verbs } from '../http/verbs.ts';
import type { AuditLog } from './audit-log.ts';

const Page = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
  next: Type.Optional(Type.String({ maxLength: 64 })),
});

/** `POST {api}/cloud/audit`: what was done to the cloud as a whole, the latest first. What was done to an account is at `/audit/find`. */
export function cloudAuditRoutes(app: HttpApp, { audit, guards }: { audit: AuditLog; guards: Guards }): void {
  verbs(app, guards)('/cloud/audit', 'wholeCloud', Page, async ({ limit, next: after }) => {
    const { entries, next } = await audit.find('cloud', { limit, after });
    return { items: entries, next };
  });
}
