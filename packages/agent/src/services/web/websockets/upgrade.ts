import type { ServerResponse } from 'node:http';
import type { WebSocket, WebSocketServer } from 'ws';
import type { Action } from '../actions/action-table.ts';
import { admitByRole } from '../auth/further-role.ts';
import type { Admission, Gate } from '../auth/gate.ts';
import { tooMany } from '../errors.ts';
import type { LetGo } from '../listening/upgrades.ts';
import { lazily } from '../request-path/handlers.ts';
import { NOT_FOUND, sendRefusal, sendText } from '../request-path/send.ts';
import type { WebRequest } from '../request-path/web-request.ts';
import type { WebContext } from '../web-context.ts';
import { chooseProtocol, faultOfHandshake } from './handshake.ts';
import { Peer } from './peer.ts';

/** Makes a request that was let in a WebSocket. @throws WEB_BUSY */
export type Upgrade = (
  request: WebRequest,
  response: ServerResponse,
  admission: Admission,
  action: Action,
  connection: LetGo,
) => Promise<void>;

/** Milliseconds that a peer has to say that it closes, too. */
const CLOSING = 5000;
/** Pieces that one message may come in: each costs more than its bytes. */
const MOST_FRAGMENTS = 1024;

/** Opens the WebSockets of the program. */
export function openSockets(context: WebContext, gate: () => Promise<Gate>): Upgrade {
  const { web, headers, lasting, roles } = context;
  const { enable, protocol = [] } = web.webSockets;
  const spoken = typeof protocol === 'string' ? [protocol] : protocol;
  const server = lazily(async () => newServer(web, (await import('ws')).WebSocketServer));

  return async (request, response, admitted, action, connection) => {
    const { raw } = request;
    const { socket, head } = connection;
    const { socket: handler } = action;
    if (!enable || !handler) return sendRefusal(response, NOT_FOUND, headers);
    const fault = faultOfHandshake(raw);
    if (fault) return sendText(response, fault.status, { ...headers, ...fault.headers }, `${fault.text}\n`);
    const chosen = chooseProtocol(raw.headers['sec-websocket-protocol'], spoken);
    if (chosen === undefined) return sendText(response, 400, headers, 'No such subprotocol is spoken\n');
    let admission: Admission | undefined = admitted;
    if (request.route.validate) {
      const signature = (await context.signatures()).find(request);
      if (signature?.role !== undefined) {
        const before = { request, response, action, admission };
        admission = await admitByRole(signature.role, before, { gate, roles });
        if (!admission) return;
      }
      await signature?.admit(request);
    }
    let peer: Peer | undefined;
    const { session, identity } = admission;
    const letGo = lasting.admit({
      ...{ session, username: identity?.username },
      // Whoever it is for is gone before it is open.
      end: (why) => (peer ? peer.stop(why) : void socket.destroy()),
    });
    if (!letGo) throw tooMany('sockets');
    socket.once('close', letGo);
    if (socket.destroyed) return letGo();
    const sockets = await server().catch((error) => {
      letGo();
      throw error;
    });
    response.detachSocket(socket);
    sockets.options.handleProtocols = () => chosen;
    sockets.handleUpgrade(raw, socket, head, (ws: WebSocket) => {
      peer = new Peer({ context, ws, socket, request, action, session, identity });
      peer.begin(handler);
    });
  };
}

function newServer(
  { limits, webSockets }: WebContext['web'],
  Server: typeof WebSocketServer,
): WebSocketServer {
  return new Server({
    ...{ noServer: true, clientTracking: false, perMessageDeflate: false, autoPong: false },
    // ws counts in 32 bits.
    maxPayload: Math.min(limits.maxMessage, 2 ** 31 - 1),
    maxFragments: MOST_FRAGMENTS,
    skipUTF8Validation: !webSockets.validateUTF,
    closeTimeout: CLOSING,
  } as ConstructorParameters<typeof WebSocketServer>[0]);
}
