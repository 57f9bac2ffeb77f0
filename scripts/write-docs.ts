import { writeFileSync } from 'node:fs';
import { conformancePage } from '../packages/mqtt/conformance/page.ts';
import { configurationReference } from './configuration-reference.ts';

writeFileSync(new URL('../docs/configuration.md', import.meta.url), configurationReference());
writeFileSync(new URL('../docs/mqtt-conformance.md', import.meta.url), conformancePage());
