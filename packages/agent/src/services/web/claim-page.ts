import { formatClaimId } from '@ioto/protocol';
import { renderSVG } from 'uqr';
import type { AgentPhase, AgentStatus } from '../../agent.ts';

const PHASES: Record<AgentPhase, string> = {
  stopped: 'Stopped',
  starting: 'Starting',
  local: 'Not registered yet',
  registered: 'Registered, waiting to be claimed',
  claimed: 'Claimed, waiting for its certificate',
  provisioned: 'Claimed, connecting to its cloud',
  connected: 'Connected to its cloud',
  ready: 'Connected to its cloud',
};

const STYLE =
  'body{font:16px system-ui,sans-serif;max-width:26rem;margin:3rem auto;padding:0 1rem;text-align:center;color:#223}' +
  'svg{width:14rem;height:14rem}code{font-size:1.6rem;letter-spacing:.1em}.problem{color:#a33}';

/**
 * The device's own page: name, status and, until somebody has claimed it, the claim ID with its QR code. Once it is
 * claimed the ID is not shown any more: it has done its work, and is a secret.
 */
export function claimPage({ id, name, phase, claimed, problem }: AgentStatus): string {
  const title = escapeHtml(name || 'This device');
  const claim = claimed
    ? ''
    : id === undefined
      ? '<p>Open this page by the address of the device to see its claim ID.</p>'
      : `<p>Claim it with this ID:</p><p><code>${formatClaimId(id)}</code></p>${claimCode(id)}`;
  const trouble = problem ? `<p class="problem">${escapeHtml(problem.message)}</p>` : '';
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="5"><title>${title}</title><style>${STYLE}</style></head>
<body><h1>${title}</h1><p>${PHASES[phase]}</p>${claim}${trouble}</body></html>
`;
}

/** The QR code of a claim ID, as SVG. */
export function claimCode(id: string): string {
  return renderSVG(id);
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
