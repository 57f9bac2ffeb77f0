import type { AwsService, AwsServiceParts } from '../aws-services.ts';
import { aliasRoutes } from './alias-routes.ts';
import { credentialsProvider } from './credentials-provider.ts';
import { RoleAliases } from './role-aliases.ts';

export function buildRoleAliases({
  store,
  audit,
  clock,
  guards,
  credentialDesk: desk,
}: AwsServiceParts): AwsService {
  const aliases = new RoleAliases({ store, audit, clock });
  return {
    routes: [(scope, authorizer) => credentialsProvider(scope, { authorizer, aliases, desk })],
    api: [(app) => aliasRoutes(app, { aliases, guards })],
  };
}
