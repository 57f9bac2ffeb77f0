/** The client alone: beside it the library brings WebSockets, SOCKS and more, of which the agent has no use. */
export { default as MqttClient } from 'mqtt/lib/client';
